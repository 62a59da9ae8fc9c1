#include "apps/fewshot/protocol_flags.hpp"

#include <CLI/CLI.hpp>

#include "apps/common/app.hpp"
#include "apps/common/flags.hpp"
#include "layers/init.hpp"

namespace hebb::apps {
namespace {

template <class T>
void set(T& target, const std::optional<std::string>& name, const Choices<T>& choices,
         const char* flag) {
  if (name) target = parse_flag(flag, [&] { return choices.at(*name); });
}

const Choices<bool>& on_or_off() {
  static const Choices<bool> choices("switch", {{"on", true}, {"off", false}});
  return choices;
}

}  // namespace

void ProtocolFlags::add_flags(CLI::App& app) {
  const std::string group = "Protocol";
  const auto add = [&](const char* flag, auto& target, const std::string& text) {
    return app.add_option(flag, target, text)->group(group);
  };
  const auto add_count = [&](const char* flag, auto& target, const char* text) {
    add_number(app, flag, target, some, text)->group(group);
  };
  add("--protocol", name_,
      known_protocols().help() +
          ": all as the authors' code has it. The flags below change single things")
      ->capture_default_str();
  add_count("--batch-size", batch_size_, "Images a step; otherwise 1");
  add_count("--epochs", epochs_, "Otherwise 200, 100, 50, 50 for 1, 5, 10, 20 shots");
  add("--init", init_, Initializer::kinds().help());
  add("--checkpoint", checkpoint_, "Which weights are tested: " + known_checkpoints().help());
  add("--validation-set", validation_set_,
      "Beside or among the training images: " + known_validation_sets().help());
  add_count("--validation-images", validation_images_, "Otherwise fair 1,000, published 10,000");
  add_count("--validation-every", validation_every_, "Epochs between validations; otherwise 1");
  add("--dropout-at-test", dropout_at_test_, on_or_off().help());
  add("--normalization,--normalisation", normalization_,
      "BEAN's: " + known_normalizations().help());
}

Protocol ProtocolFlags::protocol() const {
  Protocol p = parse_flag("--protocol", [&] { return known_protocols().at(name_); })();
  p.batch_size = batch_size_.value_or(p.batch_size);
  p.epochs = epochs_.value_or(p.epochs);
  p.validation_images = validation_images_.value_or(p.validation_images);
  p.validation_every = validation_every_.value_or(p.validation_every);
  set(p.checkpoint, checkpoint_, known_checkpoints(), "--checkpoint");
  set(p.validation_set, validation_set_, known_validation_sets(), "--validation-set");
  set(p.dropout_at_test, dropout_at_test_, on_or_off(), "--dropout-at-test");
  set(p.normalization, normalization_, known_normalizations(), "--normalization");
  if (init_) p.init = parse_flag("--init", [&] { return Initializer::parse(*init_); }).to_string();
  if (p.checkpoint == Checkpoint::best_validation && p.validation_set == ValidationSet::none) {
    if (validation_set_) throw UsageError("--checkpoint best-validation needs a validation set");
    p.validation_set = ValidationSet::disjoint;
  }
  return p;
}

}  // namespace hebb::apps
