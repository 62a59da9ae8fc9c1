#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "layers/state.hpp"

namespace hebb::apps {

/// How often a run's checkpoint is renewed; 0 is never.
struct CheckpointEvery {
  int64_t epochs = 0, steps = 0;
  double seconds = 0;

  /// From "never", or some of "epochs=1,steps=100,seconds=60". ValueError for anything else.
  static CheckpointEvery parse(const std::string& text);
};

/// A file with everything that a run needs to go on, which is replaced in one step: what stood
/// there before stays until the new one is whole.
class Checkpoints {
 public:
  Checkpoints(std::filesystem::path path, const CheckpointEvery& every,
              std::map<std::string, std::string> metadata);

  /// The file's bytes as they were written last; nothing where that was never. IoError.
  std::optional<std::string> read() const;

  /// After each step, epoch, or end: writes the state where it is time to. `state` is asked for
  /// then only.
  using GetState = std::function<State()>;
  void after_step(const GetState& state);
  void after_epoch(const GetState& state);
  void at_end(const GetState& state);

 private:
  using Clock = std::chrono::steady_clock;
  void write(const GetState& state);

  std::filesystem::path path_;
  CheckpointEvery every_;
  std::map<std::string, std::string> metadata_;
  // Since the last one; epochs that are not in it yet.
  int64_t steps_ = 0, epochs_ = 0;
  bool changed_ = false;
  Clock::time_point last_ = Clock::now();
};

}  // namespace hebb::apps
