#include "layers/dropout.hpp"

#include "core/check.hpp"
#include "core/ops/dropout.hpp"

namespace hebb {

Dropout::Dropout(const Options& options) : p_(options.p) {
  check(p_ >= 0 && p_ < 1, "[Dropout] expected p in [0, 1), got {}", p_);
}

void Dropout::take_settings(std::span<const Module* const> replicas) {
  for (const Module* replica : replicas)
    p_of_replicas_.push_back(static_cast<const Dropout&>(*replica).p_);
}

std::string Dropout::description() const { return fmt::format("Dropout({})", p_); }

Tensor Dropout::forward(const Tensor& x, Context& context) const {
  if (!context.dropout_on() || (p_ == 0 && p_of_replicas_.empty())) return x;
  if (replicas() > 0) {
    check(std::ssize(context.generators) == replicas() && context.rows.total == 0,
          "[Dropout] expected a generator for each of {} replicas, and whole batches, got {}",
          replicas(), context.generators.size());
    return dropout(x, p_of_replicas_.empty() ? std::span(&p_, 1) : std::span(p_of_replicas_),
                   context.generators);
  }
  check(context.generator, "[Dropout] expected a generator in the context");
  return dropout(x, p_, *context.generator, context.rows);
}

}  // namespace hebb
