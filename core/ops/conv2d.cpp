#include "core/ops/conv2d.hpp"

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

Shape checked_shape(const Tensor& x, const Tensor& weight, const Tensor& bias,
                    const Conv2dOptions& o) {
  check_operands("conv2d", {{"input", x}, {"weight", weight}});
  check<ShapeError>(weight.rank() == 4 && weight.numel() > 0,
                    "[conv2d] expected weight of shape [O, C, KH, KW], none of them 0, got {}",
                    weight.shape());
  check<ShapeError>(x.rank() == 4 && x.size(1) == weight.size(1),
                    "[conv2d] expected input of shape [N, {}, H, W] to match weight {}, got {}",
                    weight.size(1), weight.shape(), x.shape());
  if (bias.defined()) {
    check_operands("conv2d", {{"input", x}, {"bias", bias}});
    check_shape("conv2d", {"bias", bias}, {weight.size(0)});
  }
  return {x.size(0), weight.size(0),
          output_extent("conv2d", x.size(2), {weight.size(2), o.stride_h, o.pad_h, o.dilation_h}),
          output_extent("conv2d", x.size(3), {weight.size(3), o.stride_w, o.pad_w, o.dilation_w})};
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const Conv2dOptions& options) {
  const Shape shape = checked_shape(x, weight, bias, options);
  const Tensor y = backend_of(x)->conv2d(x, weight, bias, shape, options);
  return record("conv2d", y, {x, weight, bias},
                [x = x.detach(), weight = weight.detach(), options](const Tensor& dy, Needs needs) {
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
