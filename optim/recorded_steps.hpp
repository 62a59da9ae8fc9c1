#pragma once

#include <functional>
#include <list>
#include <optional>
#include <span>
#include <vector>

#include "core/api.hpp"
#include "core/random.hpp"
#include "data/loader.hpp"

/// Internal: steps that are recorded (core/ops/record_step.hpp), and what they draw.
namespace HEBB_API hebb {

/// What the keys of some generators count from on a device. Recorded steps move it on themselves,
/// so that each repetition draws other words, and nobody has to tell it where they begin.
class DeviceDraws {
 public:
  /// Of generators that draw as much as each other in a step. They stay the caller's.
  DeviceDraws(Device device, std::span<Generator> generators);
  DeviceDraws(const DeviceDraws&) = delete;  // what is recorded knows this one
  DeviceDraws& operator=(const DeviceDraws&) = delete;

  Device device() const { return device_; }
  /// Before a step, called or repeated.
  void prepare();
  /// Around what is recorded. A step may be called anew where it was broken off.
  void begin();
  uint64_t end();  ///< How many blocks of words each generator has set aside.
  /// After a step of so many blocks.
  void finish(uint64_t blocks);

 private:
  Device device_;
  std::span<Generator> generators_;
  Tensor base_;  // int64 [generators]
  std::vector<Generator::State> before_;
  std::vector<int64_t> on_device_;  // what base_ holds; empty: unknown
};

/// A step that works on a device alone, but for the generators that it draws from.
class RecordedStep {
 public:
  RecordedStep(DeviceDraws& draws, std::function<void()> step);
  RecordedStep(const RecordedStep&) = delete;
  RecordedStep& operator=(const RecordedStep&) = delete;

  /// The generators are where a call of the step leaves them, and the words are the same.
  void run();

 private:
  DeviceDraws& draws_;
  std::function<void()> replay_;
  std::optional<uint64_t> blocks_;  // that a step takes
};

/// Steps over batches, recorded once for each shape of a batch, the short one at an epoch's end
/// included.
class RecordedSteps {
 public:
  RecordedSteps(Device device, Generator& random, std::function<void(const Batch&)> step);
  RecordedSteps(const RecordedSteps&) = delete;
  RecordedSteps& operator=(const RecordedSteps&) = delete;

  /// A step over the batch. Where `make` is given, the batch has no samples before that is called:
  /// it works on the device alone, too, and is a part of what is recorded.
  void run(const Batch& batch, std::function<void()> make = {});

 private:
  struct Recording {
    Shape shape;
    RowShare rows;
    const void *images, *labels;  // where the step finds them
    Batch place;                  // for batches that are not there; may be undefined
    bool makes;                   // its batches
    std::optional<RecordedStep> step;
  };
  Recording& recording_for(const Batch& batch, bool is_to_make);

  DeviceDraws draws_;
  Batch input_ = {};  // of the step under way
  std::function<void()> make_;
  std::function<void(const Batch&)> step_;
  std::list<Recording> recordings_;  // which stay where they are
};

}  // namespace hebb
