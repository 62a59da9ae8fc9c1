#include "core/ops/checks.hpp"

#include "core/backend.hpp"
#include "core/check.hpp"

namespace hebb {
namespace {

void check_defined(const char* where, Operand operand) {
  check(operand.x.defined(), "[{}] expected a tensor for {}, got an undefined one", where,
        operand.name);
}

void check_device(const char* where, Operand operand, const Tensor& like) {
  check<DeviceError>(operand.x.device() == like.device(), "[{}] expected {} on {}, got {}", where,
                     operand.name, like.device(), operand.x);
}

}  // namespace

void check_operands(const char* where, std::initializer_list<Operand> operands) {
  const Operand& first = *operands.begin();
  for (const Operand& operand : operands) {
    check_defined(where, operand);
    check<DTypeError>(is_floating(operand.x.dtype()),
                      "[{}] expected {} of float32, float64 or bfloat16, got {}", where,
                      operand.name, operand.x);
    check<DTypeError>(operand.x.dtype() == first.x.dtype(),
                      "[{}] expected {} of the same type as {} ({}), got {}", where, operand.name,
                      first.name, first.x, operand.x);
    check_device(where, operand, first.x);
  }
  if (first.x.dtype() == DType::bfloat16)
    check<DTypeError>(backend_for(first.x.device()).has_bfloat16(),
                      "[{}] expected {} of float32 or float64, got {}", where, first.name, first.x);
}

void check_parameter(const char* where, Operand x, Operand parameter) {
  check_defined(where, parameter);
  const bool narrow = x.x.dtype() == DType::bfloat16;
  check<DTypeError>(!narrow || parameter.x.dtype() == DType::float32,
                    "[{}] expected {} of float32 beside {} ({}), got {}", where, parameter.name,
                    x.name, x.x, parameter.x);
  if (narrow)
    check_device(where, parameter, x.x);
  else
    check_operands(where, {x, parameter});
}

Tensor widened(const Tensor& x) {
  return x.defined() && x.dtype() == DType::bfloat16 ? x.to(DType::float32) : x;
}

void check_integers(const char* where, Operand operand, const Tensor& like) {
  check_defined(where, operand);
  check<DTypeError>(operand.x.dtype() == DType::int64, "[{}] expected {} of int64, got {}", where,
                    operand.name, operand.x);
  check_device(where, operand, like);
}

void check_shape(const char* where, Operand operand, const Shape& shape) {
  check<ShapeError>(operand.x.shape() == shape, "[{}] expected {} of shape {}, got {}", where,
                    operand.name, shape, operand.x.shape());
}

void check_rank(const char* where, Operand operand, int rank, const char* layout) {
  check<ShapeError>(operand.x.rank() == rank, "[{}] expected {} of shape {}, got {}", where,
                    operand.name, layout, operand.x.shape());
}

void check_replicas(const char* where, Operand x, Operand weight) {
  check<ShapeError>(x.x.size(0) == weight.x.size(0),
                    "[{}] expected as many replicas in {} as in {} {}, got {}", where, x.name,
                    weight.name, weight.x.shape(), x.x.shape());
}

bool check_rows(const char* where, Operand x, const char* rows, Operand weight,
                const char* layout) {
  const bool replicas = weight.x.rank() == 3;
  if (!replicas) check_rank(where, weight, 2, layout);
  check<ShapeError>(x.x.rank() == weight.x.rank() && x.x.size(-1) == weight.x.size(-1),
                    "[{}] expected {} of shape [{}{}, {}] to match weight {}, got {}", where,
                    x.name, replicas ? "R, " : "", rows, weight.x.size(-1), weight.x.shape(),
                    x.x.shape());
  if (replicas) check_replicas(where, x, weight);
  return replicas;
}

void check_images(const char* where, Operand operand, const char* layout) {
  const int dimensions = operand.x.rank() - 2;
  if (dimensions == 1 || dimensions == 3)
    fail<ShapeError>("[{}] expected {} of shape {}, got {}: {}-D is out of scope", where,
                     operand.name, layout, operand.x.shape(), dimensions);
  check_rank(where, operand, 4, layout);
}

int filled_axis(const char* where, const Tensor& x, int axis) {
  axis = x.shape().axis(axis, where);
  check<ShapeError>(x.size(axis) > 0, "[{}] expected elements along axis {}, got {}", where, axis,
                    x.shape());
  return axis;
}

int64_t output_extent(const char* where, int64_t extent, const Window& window) {
  constexpr int64_t limit = int64_t(1) << 31;  // keeps the sums below far from overflow
  const auto in_range = [limit](int64_t value, int64_t least) {
    return value >= least && value < limit;
  };
  check(in_range(window.stride, 1), "[{}] expected a stride of at least 1, got {}", where,
        window.stride);
  check(in_range(window.dilation, 1), "[{}] expected a dilation of at least 1, got {}", where,
        window.dilation);
  check(in_range(window.pad, 0), "[{}] expected a padding of at least 0, got {}", where,
        window.pad);
  check(in_range(window.kernel, 1), "[{}] expected a kernel of at least 1, got {}", where,
        window.kernel);
  const int64_t span = window.dilation * (window.kernel - 1) + 1;
  const int64_t padded = extent + 2 * window.pad;
  check<ShapeError>(extent >= 1 && span <= padded,
                    "[{}] expected a window that fits the padded input, got {} over {}", where,
                    span, padded);
  const int64_t last = (padded - span) / window.stride;  // window, counted from 0
  const bool one_more = window.ceil_mode && (padded - span) % window.stride != 0 &&
                        (last + 1) * window.stride < extent + window.pad;
  return last + 1 + one_more;
}

}  // namespace hebb
