#include "core/ops/fill.hpp"

#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

void check_stddev(const char* where, double stddev) {
  check(stddev >= 0, "[{}] expected a standard deviation of at least 0, got {}", where, stddev);
}

}  // namespace

void fill_uniform(const Tensor& x, double lower, double upper, Generator& generator) {
  check_operands("fill_uniform", {{"x", x}});
  check(lower <= upper, "[fill_uniform] expected lower <= upper, got {} and {}", lower, upper);
  backend_of(x)->uniform(x, lower, upper, generator.reserve(x.numel()));
}

// Normal numbers come from pairs of words.
void fill_normal(const Tensor& x, double mean, double stddev, Generator& generator) {
  check_operands("fill_normal", {{"x", x}});
  check_stddev("fill_normal", stddev);
  backend_of(x)->normal(x, mean, stddev, generator.reserve((x.numel() + 1) / 2 * 2));
}

void fill_truncated_normal(const Tensor& x, double stddev, double limit, Generator& generator) {
  check_operands("fill_truncated_normal", {{"x", x}});
  check_stddev("fill_truncated_normal", stddev);
  check(limit > 0, "[fill_truncated_normal] expected a limit over 0, got {}", limit);
  backend_of(x)->truncated_normal(x, stddev, limit, generator.reserve(x.numel()));
}

}  // namespace hebb
