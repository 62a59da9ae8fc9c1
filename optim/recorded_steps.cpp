#include "optim/recorded_steps.hpp"

#include <utility>

#include "core/check.hpp"
#include "core/ops/record_step.hpp"

namespace hebb {
namespace {

bool same(const RowShare& a, const RowShare& b) {
  return a.first == b.first && a.total == b.total && a.copies == b.copies;
}

}  // namespace

DeviceDraws::DeviceDraws(Device device, std::span<Generator> generators)
    : device_(device),
      generators_(generators),
      base_(Tensor::zeros({std::ssize(generators)}, {DType::int64, device})) {}

// Until the step is done nobody knows how far it came.
void DeviceDraws::prepare() {
  std::vector<int64_t> offsets;
  before_.clear();
  for (const Generator& generator : generators_) {
    before_.push_back(generator.state());
    offsets.push_back(int64_t(before_.back().offset));
  }
  if (offsets != on_device_) base_.copy_from(Tensor::from(offsets, base_.shape()));
  on_device_.clear();
}

void DeviceDraws::begin() {
  for (size_t i = 0; i < generators_.size(); ++i) {
    generators_[i].set_state(before_[i]);
    generators_[i].set_base(static_cast<const uint64_t*>(base_.data()) + i);
  }
}

uint64_t DeviceDraws::end() {
  const auto drawn = [&](size_t i) { return generators_[i].state().offset - before_[i].offset; };
  for (size_t i = 1; i < generators_.size(); ++i)
    check(drawn(i) == drawn(0),
          "[recorded_steps] expected generators that draw as much as the first, {} blocks, got {}",
          drawn(0), drawn(i));
  const uint64_t blocks = generators_.empty() ? 0 : drawn(0);
  if (blocks > 0) advance(base_, int64_t(blocks));
  return blocks;
}

// A step that is not called does not move the generators: that is done here.
void DeviceDraws::finish(uint64_t blocks) {
  for (size_t i = 0; i < generators_.size(); ++i) {
    const Generator::State& before = before_[i];
    generators_[i].set_state({before.seed, before.stream, before.offset + blocks});
    on_device_.push_back(int64_t(before.offset + blocks));
  }
}

RecordedStep::RecordedStep(DeviceDraws& draws, std::function<void()> step) : draws_(draws) {
  if (draws.device().is_cpu())
    replay_ = std::move(step);
  else
    replay_ = record_step(draws.device(), [this, step = std::move(step)] {
      draws_.begin();
      step();
      blocks_ = draws_.end();
    });
}

void RecordedStep::run() {
  if (draws_.device().is_cpu()) return replay_();
  draws_.prepare();
  replay_();
  draws_.finish(*blocks_);
}

RecordedSteps::RecordedSteps(Device device, Generator& random,
                             std::function<void(const Batch&)> step)
    : draws_(device, {&random, 1}), step_(std::move(step)) {}

// Loaders that make batches on the device have one place for them, where the step may look for them
// itself. What comes from elsewhere is copied to a place that is the recording's own.
RecordedSteps::Recording& RecordedSteps::recording_for(const Batch& batch, bool is_to_make) {
  const Shape& shape = batch.images.shape();
  Recording* with_place = nullptr;
  bool is_known = false;
  for (Recording& recording : recordings_) {
    if (recording.shape != shape || !same(recording.rows, batch.rows)) continue;
    if (recording.images == batch.images.data() && recording.labels == batch.labels.data() &&
        recording.makes == is_to_make)
      return recording;
    is_known = true;
    if (recording.place.images.defined()) with_place = &recording;
  }
  if (with_place) return *with_place;
  Recording& recording = recordings_.emplace_back();
  recording.shape = shape;
  recording.rows = batch.rows;
  recording.makes = is_to_make && !is_known;
  if (is_known) recording.place = {batch.images.clone(), batch.labels.clone(), batch.rows};
  const Batch& input = is_known ? recording.place : batch;
  recording.images = input.images.data();
  recording.labels = input.labels.data();
  recording.step.emplace(draws_, [this, makes = recording.makes] {
    if (makes) make_();
    step_(input_);
  });
  return recording;
}

void RecordedSteps::run(const Batch& batch, std::function<void()> make) {
  if (draws_.device().is_cpu()) {
    if (make) make();
    return step_(batch);
  }
  Recording& recording = recording_for(batch, bool(make));
  if (make && !recording.makes) make();
  input_ = batch;
  if (recording.images != batch.images.data()) {
    input_ = recording.place;
    input_.images.copy_from(batch.images);
    input_.labels.copy_from(batch.labels);
  }
  make_ = std::move(make);
  recording.step->run();
  input_ = {};  // the loader's again
  make_ = {};
}

}  // namespace hebb
