#include "core/ops/conv2d.hpp"

#include <utility>
#include <vector>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

// Part g of as many equal ones as there are groups.
Tensor part(const Tensor& x, int axis, int64_t groups, int64_t g) {
  if (!x.defined()) return {};
  const int64_t length = x.size(axis) / groups;
  return backend_of(x)->narrow(x, x.shape().with(axis, length), axis, g * length);
}

// One convolution after the other, over copies of their channels.
Tensor grouped(const Tensor& x, const Tensor& weight, const Tensor& bias, const Shape& shape,
               Conv2dOptions options) {
  const int64_t groups = std::exchange(options.groups, 1);
  std::vector<Tensor> parts;
  for (int64_t g = 0; g < groups; ++g)
    parts.push_back(backend_of(x)->conv2d(part(x, 1, groups, g), part(weight, 0, groups, g),
                                          part(bias, 0, groups, g),
                                          shape.with(1, shape[1] / groups), options));
  return backend_of(x)->concat(parts, shape, 1);
}

Grads grouped_backward(const Tensor& dy, const Tensor& x, const Tensor& weight, Needs needs,
                       Conv2dOptions options) {
  const int64_t groups = std::exchange(options.groups, 1);
  const ActiveBackend backend = backend_of(dy);
  std::vector<Tensor> dx, dweight, dbias;
  for (int64_t g = 0; g < groups; ++g) {
    const Tensor d = part(dy, 1, groups, g), w = part(weight, 0, groups, g);
    const Shape of_x = x.shape().with(1, w.size(1));
    if (needs[0]) dx.push_back(backend->conv2d_backward_input(d, w, of_x, options));
    if (!needs[1] && !needs[2]) continue;
    const Backend::WeightGrads grads =
        backend->conv2d_backward_weight(d, part(x, 1, groups, g), w.shape(), needs[2], options);
    dweight.push_back(grads.dweight);
    dbias.push_back(grads.dbias);
  }
  return {needs[0] ? backend->concat(dx, x.shape(), 1) : Tensor(),
          needs[1] ? backend->concat(dweight, weight.shape(), 0) : Tensor(),
          needs[2] ? backend->concat(dbias, {weight.size(0)}, 0) : Tensor()};
}

}  // namespace

Shape conv2d_shape(const Tensor& x, const Tensor& weight, const Tensor& bias,
                   const Conv2dOptions& o) {
  check_operands("conv2d", {{"input", x}});
  check_parameter("conv2d", {"input", x}, {"weight", weight});
  const bool replicas = weight.rank() == 5;
  if (!replicas) check_images("conv2d", {"weight", weight}, "[O, C, KH, KW]");
  if (replicas)
    check_rank("conv2d", {"input", x}, 5, "[R, N, C, H, W]");
  else
    check_images("conv2d", {"input", x});
  check<ShapeError>(weight.numel() > 0,
                    "[conv2d] expected weight of shape [{}O, C, KH, KW], none of them 0, got {}",
                    replicas ? "R, " : "", weight.shape());
  const int64_t filters = weight.size(-4);
  check(o.groups >= 1 && filters % o.groups == 0,
        "[conv2d] expected groups that divide {} filters, got {}", filters, o.groups);
  check(o.groups == 1 || !replicas, "[conv2d] expected one group for replicas, got {}", o.groups);
  const int64_t channels = o.groups * weight.size(-3);
  if (x.size(-3) != channels)
    fail<ShapeError>(
        "[conv2d] expected input of shape [{}N, {}, H, W] to match weight {}{}, got {}",
        replicas ? "R, " : "", channels, weight.shape(),
        o.groups == 1 ? "" : fmt::format(" in {} groups", o.groups), x.shape());
  if (replicas) check_replicas("conv2d", {"input", x}, {"weight", weight});
  if (bias.defined()) {
    check_parameter("conv2d", {"input", x}, {"bias", bias});
    check_shape("conv2d", {"bias", bias},
                replicas ? Shape{weight.size(0), filters} : Shape{filters});
  }
  const int64_t height =
      output_extent("conv2d", x.size(-2), {weight.size(-2), o.stride_h, o.pad_h, o.dilation_h});
  const int64_t width =
      output_extent("conv2d", x.size(-1), {weight.size(-1), o.stride_w, o.pad_w, o.dilation_w});
  if (replicas) return {x.size(0), x.size(1), filters, height, width};
  return {x.size(0), filters, height, width};
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options) {
  const Shape shape = conv2d_shape(x, weight, bias, options);
  const Tensor y = options.groups == 1 ? backend_of(x)->conv2d(x, weight, bias, shape, options)
                                       : grouped(x, weight, bias, shape, options);
  return record("conv2d", y, {x, weight, bias},
                [x = x.detach(), weight = weight.detach(), options](const Tensor& dy, Needs needs) {
                  if (options.groups != 1) return grouped_backward(dy, x, weight, needs, options);
                  const ActiveBackend backend = backend_of(dy);
                  Grads grads{{}, {}, {}};
                  if (needs[0])
                    grads[0] = backend->conv2d_backward_input(dy, weight, x.shape(), options);
                  if (needs[1] || needs[2]) {
                    auto [dweight, dbias] =
                        backend->conv2d_backward_weight(dy, x, weight.shape(), needs[2], options);
                    grads[1] = std::move(dweight);
                    grads[2] = std::move(dbias);
                  }
                  return grads;
                });
}

}  // namespace hebb
