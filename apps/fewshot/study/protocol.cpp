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
          .normalization = Normalization::published_code};
}

const Choices<Protocol (*)()>& known_protocols() {
  static const Choices<Protocol (*)()> protocols("protocol",
                                                 {{"fair", fair}, {"published", published}});
  return protocols;
}

const Choices<Checkpoint>& known_checkpoints() {
  static const Choices<Checkpoint> checkpoints(
      "checkpoint",
      {{"final", Checkpoint::final_epoch}, {"best-validation", Checkpoint::best_validation}});
  return checkpoints;
}

const Choices<ValidationSet>& known_validation_sets() {
  static const Choices<ValidationSet> sets("validation set",
                                           {{"none", ValidationSet::none},
                                            {"disjoint", ValidationSet::disjoint},
                                            {"overlapping", ValidationSet::overlapping}});
  return sets;
}

}  // namespace hebb::apps
