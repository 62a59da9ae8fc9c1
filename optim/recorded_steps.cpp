#include "optim/recorded_steps.hpp"

#include "core/ops/record_step.hpp"

namespace hebb {
namespace {

bool same(const RowShare& a, const RowShare& b) {
  return a.first == b.first && a.total == b.total && a.copies == b.copies;
}

}  // namespace

RecordedSteps::RecordedSteps(Device device, Generator& random,
                             std::function<void(const Batch&)> step)
    : device_(device),
      random_(random),
      base_(Tensor::zeros({}, {DType::int64, device})),
      step_(std::move(step)) {}

// Loaders that make batches on the device have one place for them, where the step may look for them
// itself. What comes from elsewhere is copied to a place that is the recording's own.
RecordedSteps::Recording& RecordedSteps::recording_for(const Batch& batch) {
  const Shape& shape = batch.images.shape();
  Recording* with_place = nullptr;
  bool is_known = false;
  for (Recording& recording : recordings_) {
    if (recording.shape != shape || !same(recording.rows, batch.rows)) continue;
    if (recording.images == batch.images.data() && recording.labels == batch.labels.data())
      return recording;
    is_known = true;
    if (recording.place.images.defined()) with_place = &recording;
  }
  if (with_place) return *with_place;
  Recording& recording = recordings_.emplace_back();
  recording.shape = shape;
  recording.rows = batch.rows;
  if (is_known) recording.place = {batch.images.clone(), batch.labels.clone(), batch.rows};
  const Batch& input = is_known ? recording.place : batch;
  recording.images = input.images.data();
  recording.labels = input.labels.data();
  recording.replay = record_step(device_, [this] {
    begin();
    step_(input_);
  });
  return recording;
}

// A step may be called anew where it was broken off.
void RecordedSteps::begin() {
  random_.set_state(before_);
  random_.set_base(static_cast<const uint64_t*>(base_.data()));
}

// A step that is not called does not move the generator: that is done here, by as much as the first
// call of its kind did.
void RecordedSteps::run(const Batch& batch) {
  if (device_.is_cpu()) return step_(batch);
  Recording& recording = recording_for(batch);
  input_ = batch;
  if (recording.images != batch.images.data()) {
    input_ = recording.place;
    input_.images.copy_from(batch.images);
    input_.labels.copy_from(batch.labels);
  }
  before_ = random_.state();
  if (before_.offset != base_value_) base_.fill(double(before_.offset));
  base_value_ = before_.offset;
  recording.replay();
  if (!recording.blocks) recording.blocks = random_.state().offset - before_.offset;
  random_.set_state({before_.seed, before_.stream, before_.offset + *recording.blocks});
  input_ = {};  // the loader's again
}

}  // namespace hebb
