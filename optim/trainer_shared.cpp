#include <algorithm>
#include <span>
#include <vector>

#include "core/autograd.hpp"
#include "core/ops/elementwise.hpp"
#include "optim/trainer_run.hpp"

/// Steps over batches that ranks share, or that go through the model part by part.
namespace hebb {
namespace {

// The same number of parts on all ranks, none of them empty.
std::vector<Batch> parts_of(const Batch& batch, int64_t wanted, int ranks) {
  const int64_t size = batch.size();
  const int64_t smallest = batch.rows.copies > 1 ? size : batch.total() / ranks;
  const int64_t count = std::min(wanted, smallest);
  std::vector<Batch> parts;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t begin = size * i / count, end = size * (i + 1) / count;
    parts.push_back({.images = batch.images.slice(begin, end),
                     .labels = batch.labels.slice(begin, end),
                     .rows = {.first = batch.rows.first + begin,
                              .total = batch.total(),
                              .copies = batch.rows.copies}});
  }
  return parts;
}

Tensor sum_over_ranks(Peers& peers, const Tensor& x) {
  const auto summed = [&peers](const Tensor& terms) {
    const Tensor sum = terms.clone();
    peers.sum(sum);
    return sum;
  };
  return record("sum_over_ranks", summed(x), {x},
                [summed](const Tensor& dy) { return Grads{summed(dy)}; });
}

std::vector<Tensor> tensors_of(const std::vector<NamedTensor>& named) {
  std::vector<Tensor> tensors;
  tensors.reserve(named.size());
  for (const NamedTensor& one : named) tensors.push_back(one.tensor);
  return tensors;
}

}  // namespace

// Every part draws from where the step began: what it sets aside is the whole batch's.
void Trainer::shared_step(const Batch& batch) {
  Run& run = *run_;
  const Generator::State start = run.dropout.state();
  EpochTotals sums(regularizers_.size(), device_);
  const auto pass = [&](const Batch& part) {
    run.dropout.set_state(start);
    Context context{.generator = &run.dropout};
    if (options_.sync_batch_norm && ranks() > 1)
      context.sum_over_ranks = [&](const Tensor& x) { return sum_over_ranks(*options_.peers, x); };
    sums.add(accumulate_gradients(model_, regularizers_, part, context,
                                  {.weight = part.counted() / double(part.total()),
                                   .label_smoothing = options_.label_smoothing}),
             part);
  };
  const std::vector<Batch> parts = parts_of(batch, options_.accumulate, ranks());
  for (const Batch& part : std::span(parts).first(parts.size() - 1)) pass(part);
  const auto last = [&] { pass(parts.back()); };
  if (options_.peers) {
    options_.peers->sum_gradients(optimizer_.parameters(), last);
    options_.peers->sum(sums.sums);
  } else {
    last();
  }
  optimizer_.step(options_.clip_norm);
  optimizer_.zero_grad();
  run.totals.sums.copy_from(run.totals.sums + sums.sums);
}

bool Trainer::any_rank(bool here) const {
  if (ranks() == 1) return here;
  const Tensor count = Tensor::scalar(here ? 1 : 0, {.dtype = DType::float64});
  options_.peers->sum(count);
  return count.item() > 0;
}

void Trainer::take_weights_of_root() const {
  if (ranks() == 1) return;
  options_.peers->broadcast(tensors_of(model_.parameters()));
  take_statistics_of_root();
}

void Trainer::take_statistics_of_root() const {
  if (ranks() > 1) options_.peers->broadcast(tensors_of(model_.buffers()));
}

}  // namespace hebb
