#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
  Normalisation normalisation = Normalisation::paper;

  /// `epochs`, or else 200 for 1 shot, 100 for up to 5, 50 for more.
  int64_t epochs_for(int64_t shots) const;
};

/// Final epoch, dropout off at test, the paper's normalisation of BEAN.
Protocol fair();
/// As the authors' code has it: the checkpoint of the best accuracy on 10,000 validation images
/// drawn from all training images, dropout left on at test, no normalisation of BEAN.
Protocol published();

/// A protocol with what it changes, for the table of what each change is worth.
struct Variant {
  std::string label;
  Protocol protocol;
  bool published = false;  ///< All of the authors' choices, their dropout probability included.
};
/// The protocol itself, then each switch alone, then the published one with as many validation
/// images.
std::vector<Variant> ablations(const Protocol& base, int64_t shots);

std::string_view name_of(Checkpoint checkpoint);        ///< "final" or "best-validation"
std::string_view name_of(ValidationSet set);            ///< "none", "disjoint" or "overlapping"
std::string_view name_of(Normalisation normalisation);  ///< "paper" or "published-code"

/// The flags of a protocol: --protocol and, over it, each switch alone.
class ProtocolFlags {
 public:
  void add_flags(CLI::App& app);
  /// UsageError for values out of range or that contradict each other.
  Protocol protocol() const;
  bool is_published() const { return name_ == "published"; }
  const std::string& name() const { return name_; }

 private:
  std::string name_ = "fair";
  std::optional<int64_t> batch_size_, epochs_, validation_images_, validation_every_;
  std::optional<std::string> init_, checkpoint_, validation_set_, dropout_at_test_, normalisation_;
};

}  // namespace hebb::apps
