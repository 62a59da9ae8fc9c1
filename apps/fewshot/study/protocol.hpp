#pragma once

#include <cstdint>
#include <string>

#include "core/choice.hpp"
#include "regularizers/bean.hpp"

namespace hebb::apps {

enum class Checkpoint { final_epoch, best_validation };
/// Where validation images come from, when the checkpoint needs them: among the images that draws
/// are taken from, without this draw's own; or, as in the published code, among all training
/// images, this draw's own included.
enum class ValidationSet { none, disjoint, overlapping };

/// Everything about a run but its method: how it is trained, and which weights are tested.
struct Protocol {
  int64_t batch_size = 1;
  int64_t epochs = 0;  ///< 0: as many as epochs_for says.
  double lr = 5e-4;    ///< Adam's.
  std::string init = "pytorch";
  Checkpoint checkpoint = Checkpoint::final_epoch;
  ValidationSet validation_set = ValidationSet::none;
  int64_t validation_images = 1000;
  int64_t validation_every = 1;  ///< Epochs between looks at the validation set.
  bool dropout_at_test = false;
  Normalization normalization = Normalization::paper;

  /// `epochs`, or else 200 for 1 shot, 100 for up to 5, 50 for more.
  int64_t epochs_for(int64_t shots) const;
};

/// Final epoch, dropout off at test, the paper's normalisation of BEAN.
Protocol fair();
/// As the authors' code has it: the checkpoint of the best accuracy on 10,000 validation images
/// taken from all training images, dropout left on at test, no normalisation of BEAN.
Protocol published();

/// "fair" and "published".
const Choices<Protocol (*)()>& known_protocols();
const Choices<Checkpoint>& known_checkpoints();         ///< "final" and "best-validation"
const Choices<ValidationSet>& known_validation_sets();  ///< "none", "disjoint", "overlapping"

}  // namespace hebb::apps
