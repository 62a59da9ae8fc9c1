#pragma once

#include <functional>
#include <list>
#include <optional>

#include "core/random.hpp"
#include "data/loader.hpp"

namespace hebb {

/// Internal: steps over batches, recorded once for each shape of a batch, the short one at an
/// epoch's end included (core/ops/record_step.hpp).
class RecordedSteps {
 public:
  /// `step` works on the device alone, but for the generator that it draws from.
  RecordedSteps(Device device, Generator& random, std::function<void(const Batch&)> step);
  RecordedSteps(const RecordedSteps&) = delete;  // what is recorded knows this one
  RecordedSteps& operator=(const RecordedSteps&) = delete;

  /// A step over the batch. The generator is where a call of the step leaves it, and the words are
  /// the same.
  void run(const Batch& batch);

 private:
  struct Recording {
    Shape shape;
    RowShare rows;
    const void *images, *labels;  // where the step finds them
    Batch place;                  // for batches that are not there; may be undefined
    std::function<void()> replay;
    std::optional<uint64_t> blocks;  // of random words that a step takes
  };
  Recording& recording_for(const Batch& batch);
  void begin();

  Device device_;
  Generator& random_;
  Tensor base_;  // of random keys, which a step finds on the device
  uint64_t base_value_ = 0;
  Batch input_ = {};              // of the step under way
  Generator::State before_ = {};  // the generator's, where the step under way began
  std::function<void(const Batch&)> step_;
  std::list<Recording> recordings_;  // which stay where they are
};

}  // namespace hebb
