#include "distributed/data_parallel.hpp"

#include <algorithm>
#include <chrono>

#include "core/autograd.hpp"
#include "core/check.hpp"

namespace hebb {
namespace {

using Clock = std::chrono::steady_clock;

// Gradients begin where vectors do.
constexpr int64_t alignment = 16;
constexpr int64_t last_bucket_bytes = 1 << 20;

int64_t aligned(int64_t elements) { return (elements + alignment - 1) / alignment * alignment; }

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

DataParallel::DataParallel(Communicator& communicator, DataParallelOptions options)
    : communicator_(communicator), options_(options) {
  check(options_.bucket_bytes >= 1, "[data parallel] expected buckets of at least 1 byte, got {}",
        options_.bucket_bytes);
}

void DataParallel::lay_out(std::span<const NamedTensor> parameters) {
  const bool known = places_.size() == parameters.size() &&
                     std::ranges::all_of(parameters, [&](const NamedTensor& p) {
                       const auto place = places_.find(p.tensor.body());
                       return place != places_.end() &&
                              buckets_[place->second.bucket].values.device() == p.tensor.device() &&
                              buckets_[place->second.bucket].values.dtype() == p.tensor.dtype();
                     });
  if (known) return;
  buckets_.clear();
  places_.clear();
  for (const auto& [name, tensor] : parameters) {
    const Tensor& first = parameters[0].tensor;
    check(tensor.dtype() == first.dtype() && tensor.device() == first.device(),
          "[data parallel] expected parameters of one type on one device, got {} and {}", first,
          tensor);
  }
  // From the parameters that backward reaches last: those of a small bucket, since nothing is left
  // to hide its sum behind.
  int64_t limit = std::min(last_bucket_bytes, options_.bucket_bytes), bytes = limit;
  for (const auto& [name, tensor] : parameters) {
    if (bytes >= limit) {
      if (!buckets_.empty()) limit = options_.bucket_bytes;
      buckets_.emplace_back();
      bytes = 0;
    }
    buckets_.back().slots.push_back({.parameter = tensor, .first = 0});
    bytes += aligned(tensor.numel()) * int64_t(size_of(tensor.dtype()));
  }
  std::ranges::reverse(buckets_);
  for (size_t b = 0; b < buckets_.size(); ++b) {
    Bucket& bucket = buckets_[b];
    std::ranges::reverse(bucket.slots);
    int64_t elements = 0;
    for (size_t i = 0; i < bucket.slots.size(); ++i) {
      Slot& slot = bucket.slots[i];
      places_[slot.parameter.body()] = {b, i};
      slot.first = elements;
      elements += aligned(slot.parameter.numel());
    }
    bucket.values =
        Tensor::zeros({elements + std::ssize(bucket.slots)}, bucket.slots[0].parameter.options());
  }
}

void DataParallel::fill(Bucket& bucket, size_t index) {
  Slot& slot = bucket.slots[index];
  const Tensor gradient = slot.parameter.grad();
  const Tensor there = bucket.values.view(slot.parameter.shape(), slot.first);
  const int64_t flags = bucket.values.numel() - std::ssize(bucket.slots);
  bucket.values.view({1}, flags + int64_t(index)).fill(gradient.defined() ? 1 : 0);
  if (gradient.defined())
    there.copy_from(gradient);
  else
    there.fill(0);
  slot.filled = true;
  ++bucket.filled;
}

void DataParallel::start_full_buckets() {
  for (; started_ < buckets_.size(); ++started_) {
    Bucket& bucket = buckets_[started_];
    if (bucket.filled < bucket.slots.size()) return;
    bucket.sum = communicator_.start_all_reduce(bucket.values);
  }
}

void DataParallel::note(const Tensor& leaf) {
  const auto place = places_.find(leaf.body());
  if (place == places_.end()) return;
  fill(buckets_[place->second.bucket], place->second.slot);
  start_full_buckets();
  for (size_t i = 0; i < started_; ++i) buckets_[i].sum->advance();
}

void DataParallel::sum_gradients(std::span<const NamedTensor> parameters,
                                 const std::function<void()>& backward) {
  lay_out(parameters);
  started_ = 0;
  for (Bucket& bucket : buckets_) {
    bucket.filled = 0;
    for (Slot& slot : bucket.slots) slot.filled = false;
  }
  Clock::time_point first_start = {};
  {
    const LeafObserver observer([&](const Tensor& leaf) {
      const size_t before = started_;
      note(leaf);
      if (before == 0 && started_ > 0) first_start = Clock::now();
    });
    backward();
  }
  const Clock::time_point ended = Clock::now();
  // What this pass did not reach.
  for (Bucket& bucket : buckets_)
    for (size_t i = 0; i < bucket.slots.size(); ++i)
      if (!bucket.slots[i].filled) fill(bucket, i);
  if (started_ == 0) first_start = ended;
  start_full_buckets();
  take_sums();
  const Clock::time_point done = Clock::now();
  ++times_.steps;
  times_.waited += seconds_between(ended, done);
  times_.under_way += seconds_between(first_start, done);
}

void DataParallel::take_sums() {
  for (Bucket& bucket : buckets_) {
    bucket.sum->wait();
    bucket.sum.reset();
    const int64_t count = std::ssize(bucket.slots);
    const std::vector<double> had = bucket.values.view({count}, bucket.values.numel() - count)
                                        .to(DType::float64)
                                        .to_vector<double>();
    for (size_t i = 0; i < bucket.slots.size(); ++i) {
      const Slot& slot = bucket.slots[i];
      slot.parameter.set_grad(had[i] > 0 ? bucket.values.view(slot.parameter.shape(), slot.first)
                                         : Tensor());
    }
  }
}

}  // namespace hebb
