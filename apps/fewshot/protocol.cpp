#include "apps/fewshot/protocol.hpp"

#include <fmt/format.h>

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

int64_t Protocol::epochs_for(int64_t shots) const {
  if (epochs > 0) return epochs;
  return shots <= 1 ? 200 : shots <= 5 ? 100 : 50;
}

Protocol fair() { return {}; }

Protocol published() {
  return {.checkpoint = Checkpoint::best_validation,
          .validation_set = ValidationSet::overlapping,
          .validation_images = 10'000,
          .dropout_at_test = true,
          .normalisation = Normalisation::published_code};
}

std::vector<Variant> ablations(const Protocol& base, int64_t shots) {
  std::vector<Variant> variants{{"as it is", base}};
  const auto add = [&](const char* label, auto change) {
    Protocol protocol = base;
    change(protocol);
    variants.push_back({label, protocol});
  };
  const int64_t epochs = base.epochs_for(shots);
  add("batch 10", [](Protocol& p) { p.batch_size = 10; });
  add("batch 10, as many steps", [&](Protocol& p) {
    p.batch_size = 10;
    p.epochs = 10 * epochs;
  });
  add("a quarter of the epochs", [&](Protocol& p) { p.epochs = std::max<int64_t>(1, epochs / 4); });
  add("twice the epochs", [&](Protocol& p) { p.epochs = 2 * epochs; });
  add("init truncated-normal", [](Protocol& p) { p.init = "truncated-normal"; });
  add("init xavier", [](Protocol& p) { p.init = "xavier"; });
  add("best checkpoint, disjoint images", [](Protocol& p) {
    p.checkpoint = Checkpoint::best_validation;
    p.validation_set = ValidationSet::disjoint;
  });
  add("best checkpoint, overlapping images", [](Protocol& p) {
    p.checkpoint = Checkpoint::best_validation;
    p.validation_set = ValidationSet::overlapping;
  });
  add("dropout on at test", [](Protocol& p) { p.dropout_at_test = true; });
  add("published code's normalisation",
      [](Protocol& p) { p.normalisation = Normalisation::published_code; });
  Variant all{"published", published(), true};
  all.protocol.validation_images = base.validation_images;
  all.protocol.validation_every = base.validation_every;
  variants.push_back(all);
  return variants;
}

std::string_view name_of(Checkpoint checkpoint) {
  return checkpoint == Checkpoint::final_epoch ? "final" : "best-validation";
}

std::string_view name_of(ValidationSet set) {
  return set == ValidationSet::none       ? "none"
         : set == ValidationSet::disjoint ? "disjoint"
                                          : "overlapping";
}

std::string_view name_of(Normalisation normalisation) {
  return normalisation == Normalisation::paper ? "paper" : "published-code";
}

void ProtocolFlags::add_flags(CLI::App& app) {
  const std::string group = "Protocol";
  app.add_option("--protocol", name_,
                 "fair, or published: all as the authors' code has it. The flags below change "
                 "single things")
      ->check(CLI::IsMember({"fair", "published"}))
      ->capture_default_str()
      ->group(group);
  app.add_option("--batch-size", batch_size_, "Images a step (1)")->group(group);
  app.add_option("--epochs", epochs_, "(200, 100, 50, 50 for 1, 5, 10, 20 shots)")->group(group);
  app.add_option("--init", init_, "pytorch, he, xavier or truncated-normal, with :scale=S")
      ->group(group);
  app.add_option("--checkpoint", checkpoint_, "Which weights are tested: final or best-validation")
      ->check(CLI::IsMember({"final", "best-validation"}))
      ->group(group);
  app.add_option("--validation-set", validation_set_,
                 "none, disjoint or overlapping with the training images")
      ->check(CLI::IsMember({"none", "disjoint", "overlapping"}))
      ->group(group);
  app.add_option("--validation-images", validation_images_, "(fair 1,000, published 10,000)")
      ->group(group);
  app.add_option("--validation-every", validation_every_, "Epochs between validations (1)")
      ->group(group);
  app.add_option("--dropout-at-test", dropout_at_test_, "on or off")
      ->check(CLI::IsMember({"on", "off"}))
      ->group(group);
  app.add_option("--normalisation", normalisation_, "BEAN's: paper or published-code")
      ->check(CLI::IsMember({"paper", "published-code"}))
      ->group(group);
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
  set(p.normalisation, normalisation_, {Normalisation::paper, Normalisation::published_code});
  if (dropout_at_test_) p.dropout_at_test = dropout_at_test_ == "on";
  if (init_) p.init = parse_flag("--init", [&] { return Initializer::parse(*init_); }).to_string();
  if (p.checkpoint == Checkpoint::best_validation && p.validation_set == ValidationSet::none) {
    if (validation_set_) throw UsageError("--checkpoint best-validation needs a validation set");
    p.validation_set = ValidationSet::disjoint;
  }
  return p;
}

}  // namespace hebb::apps
