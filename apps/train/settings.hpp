#pragma once

#include <string>
#include <vector>

#include "apps/common/run_folder.hpp"

namespace CLI {
class App;
}

namespace hebb::apps {

/// The flags of hebb-train, as given or as --recipe has them.
struct TrainSettings {
  std::string dataset = "digits", data, model = "lenet5", activation = "relu", init = "pytorch";
  std::string optimizer = "adam", schedule = "constant", early_stopping = "none", recipe = "none",
              on_divergence = "stop";
  std::vector<std::string> regularizers;
  int64_t epochs = 10, batch_size = 100, train_limit = 0, test_limit = 0, shots = 0, validation = 0,
          patience = 5, accumulate = 1;
  double lr = 5e-4, dropout = 0, label_smoothing = 0, clip_norm = 0, min_change = 1e-3;
  bool normalize = false, flip = false, quiet = false, overwrite = false, resume = false,
       ignore_lock = false, sync_batch_norm = false, explain_kernels = false;
  int64_t crop = 0;
  uint64_t seed = 0;
  int threads = 0;
  std::string device = "cpu", conv_policy = "fast", precision = "fp32", output,
              checkpoint_every = "epochs=1", export_onnx;

  void add_flags(CLI::App& app);
  Json to_json() const;
  /// Those in it that have no say in a run's results.
  static const std::vector<std::string>& free();
  /// What those are in runs of versions that had no such flag.
  static Json before_they_were();
};

}  // namespace hebb::apps
