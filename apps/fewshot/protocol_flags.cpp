#include "apps/fewshot/protocol_flags.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "apps/common/app.hpp"
#include "layers/init.hpp"

namespace hebb::apps {
namespace {

template <class Enum>
void set(Enum& target, const std::optional<std::string>& text,
         std::initializer_list<Enum> candidates) {
  for (const Enum candidate : candidates)
    if (text == name_of(candidate)) target = candidate;
}

void set(int64_t& target, const std::optional<int64_t>& value, const char* flag) {
  if (!value) return;
  if (*value < 1) throw UsageError(fmt::format("{}: expected at least 1, got {}", flag, *value));
  target = *value;
}

}  // namespace

void ProtocolFlags::add_flags(CLI::App& app) {
  const std::string group = "Protocol";
  const auto choice = [&](const char* flag, auto& target, const char* text,
                          const std::vector<std::string>& names) {
    return app.add_option(flag, target, text)->check(CLI::IsMember(names))->group(group);
  };
  choice("--protocol", name_,
         "fair, or published: all as the authors' code has it. The flags below change single "
         "things",
         {"fair", "published"})
      ->capture_default_str();
  app.add_option("--batch-size", batch_size_, "Images a step (1)")->group(group);
  app.add_option("--epochs", epochs_, "(200, 100, 50, 50 for 1, 5, 10, 20 shots)")->group(group);
  app.add_option("--init", init_, "pytorch, he, xavier or truncated-normal, with :scale=S")
      ->group(group);
  choice("--checkpoint", checkpoint_, "Which weights are tested: final or best-validation",
         {"final", "best-validation"});
  choice("--validation-set", validation_set_,
         "none, disjoint or overlapping with the training images",
         {"none", "disjoint", "overlapping"});
  app.add_option("--validation-images", validation_images_, "(fair 1,000, published 10,000)")
      ->group(group);
  app.add_option("--validation-every", validation_every_, "Epochs between validations (1)")
      ->group(group);
  choice("--dropout-at-test", dropout_at_test_, "on or off", {"on", "off"});
  choice("--normalization,--normalisation", normalization_, "BEAN's: paper or published-code",
         {"paper", "published-code"});
}

Protocol ProtocolFlags::protocol() const {
  Protocol p = is_published() ? published() : fair();
  set(p.batch_size, batch_size_, "--batch-size");
  set(p.epochs, epochs_, "--epochs");
  set(p.validation_images, validation_images_, "--validation-images");
  set(p.validation_every, validation_every_, "--validation-every");
  set(p.checkpoint, checkpoint_, {Checkpoint::final_epoch, Checkpoint::best_validation});
  set(p.validation_set, validation_set_,
      {ValidationSet::none, ValidationSet::disjoint, ValidationSet::overlapping});
  set(p.normalization, normalization_, {Normalisation::paper, Normalisation::published_code});
  if (dropout_at_test_) p.dropout_at_test = dropout_at_test_ == "on";
  if (init_) p.init = parse_flag("--init", [&] { return Initializer::parse(*init_); }).to_string();
  if (p.checkpoint == Checkpoint::best_validation && p.validation_set == ValidationSet::none) {
    if (validation_set_) throw UsageError("--checkpoint best-validation needs a validation set");
    p.validation_set = ValidationSet::disjoint;
  }
  return p;
}

}  // namespace hebb::apps
