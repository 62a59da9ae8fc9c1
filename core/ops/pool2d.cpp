#include "core/ops/pool2d.hpp"

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/geometry.hpp"
#include "core/ops/checks.hpp"
#include "core/ops/reduce.hpp"

namespace hebb {
namespace {

Tensor of_all(const Tensor& x) { return x.rank() == 4 ? x : x.view(all_images(x.shape())); }

Shape checked_shape(const char* where, const Tensor& x, const Pool2dOptions& o) {
  check_operands(where, {{"input", x}});
  if (x.rank() != 5) check_images(where, {"input", x});
  return pool2d_shape(where, x.shape(), o);
}

// The gradient of x from that of all images.
Grads grads_of(const Tensor& dx, const Shape& x) { return {x.rank() == 4 ? dx : dx.view(x)}; }

// The indices are the backend's own.
WithIndices pooled(const char* where, const Tensor& x, const Pool2dOptions& options) {
  const Shape y = checked_shape(where, x, options);
  const Backend::WithIndices result = backend_of(x)->max_pool2d(of_all(x), all_images(y), options);
  return {record(where, result.values.view(y), {x},
                 [indices = result.indices, shape = x.shape(), options](const Tensor& dy) {
                   return grads_of(backend_of(dy)->max_pool2d_backward(of_all(dy), indices,
                                                                       all_images(shape), options),
                                   shape);
                 }),
          result.indices.view(y)};
}

}  // namespace

Shape pool2d_shape(const char* where, const Shape& x, const Pool2dOptions& o) {
  const int64_t height =
      output_extent(where, x[-2], {o.kernel_h, o.stride_h, o.pad_h, o.dilation_h, o.ceil_mode});
  const int64_t width =
      output_extent(where, x[-1], {o.kernel_w, o.stride_w, o.pad_w, o.dilation_w, o.ceil_mode});
  check(o.pad_h <= o.kernel_h / 2 && o.pad_w <= o.kernel_w / 2,
        "[{}] expected padding of at most half a kernel ({}x{}), got {}x{}", where, o.kernel_h,
        o.kernel_w, o.pad_h, o.pad_w);
  return x.with(x.rank() - 2, height).with(x.rank() - 1, width);
}

Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options) {
  return pooled("max_pool2d", x, options).values;
}

WithIndices max_pool2d_with_indices(const Tensor& x, const Pool2dOptions& options) {
  const WithIndices result = pooled("max_pool2d_with_indices", x, options);
  return {result.values, backend_of(x)->cast(result.indices, DType::int64)};
}

Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options) {
  const Shape pooled = checked_shape("avg_pool2d", x, options);
  const Tensor y = backend_of(x)->avg_pool2d(of_all(x), all_images(pooled), options);
  return record("avg_pool2d", y.view(pooled), {x}, [shape = x.shape(), options](const Tensor& dy) {
    return grads_of(backend_of(dy)->avg_pool2d_backward(of_all(dy), all_images(shape), options),
                    shape);
  });
}

Tensor global_avg_pool2d(const Tensor& x) {
  check_operands("global_avg_pool2d", {{"input", x}});
  if (x.rank() != 5) check_images("global_avg_pool2d", {"input", x});
  check<ShapeError>(
      x.size(-2) > 0 && x.size(-1) > 0,
      "[global_avg_pool2d] expected input of shape [N, C, H, W], H and W not 0, got {}", x.shape());
  return mean(x, {-2, -1}).to(x.dtype());
}

}  // namespace hebb
