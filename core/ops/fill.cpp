#include "core/ops/fill.hpp"

#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

void check_stddev(const char* where, double stddev) {
  check(stddev >= 0, "[{}] expected a standard deviation of at least 0, got {}", where, stddev);
}

// fill(x), or of float32 in its place where x is of bfloat16.
template <class Fill>
void filled(const Tensor& x, Fill fill) {
  if (x.dtype() != DType::bfloat16) return fill(x);
  const Tensor wide = Tensor::empty(x.shape(), {.device = x.device()});
  fill(wide);
  x.copy_from(wide);
}

}  // namespace

void fill_uniform(const Tensor& x, double lower, double upper, Generator& generator) {
  check_operands("fill_uniform", {{"x", x}});
  check(lower <= upper, "[fill_uniform] expected lower <= upper, got {} and {}", lower, upper);
  filled(x, [&, key = generator.reserve(x.numel())](const Tensor& to) {
    backend_of(to)->uniform(to, lower, upper, key);
  });
}

// Normal numbers come from pairs of words.
void fill_normal(const Tensor& x, double mean, double stddev, Generator& generator) {
  check_operands("fill_normal", {{"x", x}});
  check_stddev("fill_normal", stddev);
  filled(x, [&, key = generator.reserve((x.numel() + 1) / 2 * 2)](const Tensor& to) {
    backend_of(to)->normal(to, mean, stddev, key);
  });
}

void fill_truncated_normal(const Tensor& x, double stddev, double limit, Generator& generator) {
  check_operands("fill_truncated_normal", {{"x", x}});
  check_stddev("fill_truncated_normal", stddev);
  check(limit > 0, "[fill_truncated_normal] expected a limit over 0, got {}", limit);
  filled(x, [&, key = generator.reserve(x.numel())](const Tensor& to) {
    backend_of(to)->truncated_normal(to, stddev, limit, key);
  });
}

}  // namespace hebb
