#include "apps/fewshot/study/protocol.hpp"

namespace hebb::apps {

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
          .normalization = Normalisation::published_code};
}

std::string_view name_of(Checkpoint checkpoint) {
  return checkpoint == Checkpoint::final_epoch ? "final" : "best-validation";
}

std::string_view name_of(ValidationSet set) {
  return set == ValidationSet::none       ? "none"
         : set == ValidationSet::disjoint ? "disjoint"
                                          : "overlapping";
}

std::string_view name_of(Normalisation normalization) {
  return normalization == Normalisation::paper ? "paper" : "published-code";
}

}  // namespace hebb::apps
