#include "apps/fewshot/protocol.hpp"

#include <fmt/format.h>

#include "apps/common/app.hpp"
#include "layers/init.hpp"

namespace hebb::apps {
namespace {

template <class Enum>
Enum parse(const std::string& text, std::initializer_list<Enum> values) {
  for (const Enum value : values)
    if (text == name_of(value)) return value;
  throw UsageError("unknown value " + text);  // CLI::IsMember has been before
}

void require_positive(const char* flag, int64_t value) {
  if (value < 1) throw UsageError(fmt::format("{}: expected at least 1, got {}", flag, value));
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

std::vector<Variant> ablations(const Protocol& base) {
  std::vector<Variant> variants{{"as it is", base}};
  const auto add = [&](const char* label, auto change) {
    Protocol protocol = base;
    change(protocol);
    variants.push_back({label, protocol});
  };
  const auto scale_epochs = [](Protocol& p, double factor) {
    p.epochs = -int64_t(factor * 100);  // resolved by the caller, who knows the shots
  };
  (void)scale_epochs;
  add("batch 10, as many epochs", [](Protocol& p) { p.batch_size = 10; });
  add("init truncated-normal", [](Protocol& p) { p.init = "truncated-normal"; });
  add("init xavier", [](Protocol& p) { p.init = "xavier"; });
  return variants;
}

}  // namespace hebb::apps
