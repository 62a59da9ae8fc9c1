#include "optim/recorded_steps.hpp"

#include <algorithm>

#include "core/ops/record_step.hpp"

namespace hebb {

RecordedSteps::RecordedSteps(Device device, Generator& random,
                             std::function<void(const Batch&)> step)
    : device_(device),
      random_(random),
      base_(Tensor::zeros({}, {DType::int64, device})),
      step_(std::move(step)) {}

RecordedSteps::Recording& RecordedSteps::recording_for(const Batch& batch) {
  const auto known = std::ranges::find_if(recordings_, [&](const Recording& recording) {
    return recording.shape == batch.images.shape();
  });
  if (known != recordings_.end()) return *known;
  Recording& recording = recordings_.emplace_back();
  recording.shape = batch.images.shape();
  recording.replay = record_step(device_, [this, &recording] { step_(recording.input); });
  return recording;
}

// A step that is not called does not move the generator: that is done here, by as much as the first
// call of its kind did.
void RecordedSteps::replay(Recording& recording) {
  const Generator::State before = random_.state();
  base_.fill(double(before.offset));
  random_.set_base(static_cast<const uint64_t*>(base_.data()));
  recording.replay();
  if (!recording.blocks) recording.blocks = random_.state().offset - before.offset;
  random_.set_state({before.seed, before.stream, before.offset + *recording.blocks});
}

// The CPU calls steps, which may read batches where they are.
void RecordedSteps::run(const Batch& batch) {
  Recording& recording = recording_for(batch);
  Batch& input = recording.input;
  if (device_.is_cpu()) {
    input = batch;
    recording.replay();
    input = {};  // the loader's again
    return;
  }
  if (input.images.defined()) {
    input.images.copy_from(batch.images);
    input.labels.copy_from(batch.labels);
  } else {
    input = {batch.images.clone(), batch.labels.clone()};
  }
  replay(recording);
}

}  // namespace hebb
