// Convolutions of bfloat16 but for small images, which have kernels of their own: by cuDNN, with
// the channels of a position side by side, or, for what it refuses, by way of float32.
#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {
namespace {

constexpr Layout channels_last = Layout::channels_last;

ConvWeight weight_shape(const Shape& weight) {
  const int64_t channels = weight[-3], positions = weight[-2] * weight[-1];
  return {weight.numel() / (channels * positions), channels, positions};
}

/// The elements of a weight of that shape, for cuDNN.
Tensor empty_weight(const Shape& weight, Device device) {
  return Tensor::empty({weight.numel()}, {DType::bfloat16, device});
}

Tensor rounded_weight(Stream stream, const Tensor& weight) {
  const Tensor narrow = empty_weight(weight.shape(), weight.device());
  narrow_weight(stream, weight_shape(weight.shape()), data_of<float>(weight),
                data_of<BFloat16>(narrow));
  return narrow;
}

}  // namespace

std::string_view CudaBackend::bfloat16_engine(ConvDirection direction, const ConvGeometry& g) {
  if (conv2d_is_direct<float>(direction, g)) return "";
  return convolutions_.engine({direction, DType::bfloat16, g});
}

bool CudaBackend::run_bfloat16(ConvDirection direction, const ConvGeometry& g, int64_t replicas,
                               const Tensor& x, const Tensor& weight, const Tensor& y) {
  const auto part = [&](const Tensor& t, int64_t r) {
    return data_of<BFloat16>(t) + t.numel() / replicas * r;
  };
  for (int64_t r = 0; r < replicas; ++r)
    if (!convolutions_.run({.direction = direction,
                            .dtype = DType::bfloat16,
                            .geometry = g,
                            .x = part(x, r),
                            .weight = part(weight, r),
                            .y = part(y, r)}))
      return false;
  return true;
}

// cuDNN gives y rounded: with a bias it is rounded a second time.
Tensor CudaBackend::convolve(const Tensor& x, const Tensor& weight, const Tensor& bias,
                             const Shape& shape, const Conv2dOptions& options) {
  constexpr ConvDirection forward = ConvDirection::forward;
  const ConvGeometry g = conv_geometry(x.shape(), weight.shape(), shape, options);
  if (!bfloat16_engine(forward, g).empty()) {
    const int64_t replicas = conv_replicas(weight.shape());
    const Tensor y = Tensor::empty(shape, x.options(), channels_last);
    if (run_bfloat16(forward, g, replicas, x.with_layout(channels_last),
                     rounded_weight(stream_, weight), y)) {
      if (bias.defined())
        add_bias(
            stream_,
            {.replicas = replicas, .outer = g.batch * g.out_h * g.out_w, .channels = g.filters},
            data_of<float>(bias), data_of<BFloat16>(y));
      return y;
    }
  }
  const Tensor factor = cast(cast(weight, DType::bfloat16), DType::float32);
  return cast(conv2d(cast(x, DType::float32), factor, bias, shape, options), DType::bfloat16);
}

Tensor CudaBackend::convolve_backward_input(const Tensor& dy, const Tensor& weight,
                                            const Shape& shape, const Conv2dOptions& options) {
  constexpr ConvDirection backward = ConvDirection::backward_input;
  const ConvGeometry g = conv_geometry(shape, weight.shape(), dy.shape(), options);
  if (!bfloat16_engine(backward, g).empty()) {
    const Tensor dx = Tensor::empty(shape, dy.options(), channels_last);
    if (run_bfloat16(backward, g, conv_replicas(weight.shape()), dx,
                     rounded_weight(stream_, weight), dy.with_layout(channels_last)))
      return dx;
  }
  const Tensor factor = cast(cast(weight, DType::bfloat16), DType::float32);
  return cast(conv2d_backward_input(cast(dy, DType::float32), factor, shape, options),
              DType::bfloat16);
}

// Of cuDNN dweight has bfloat16's fraction.
void CudaBackend::convolve_backward_weight(const Tensor& dy, const Tensor& x, const Tensor& dweight,
                                           const Conv2dOptions& options) {
  constexpr ConvDirection backward = ConvDirection::backward_weight;
  const Shape& weight = dweight.shape();
  const ConvGeometry g = conv_geometry(x.shape(), weight, dy.shape(), options);
  if (!bfloat16_engine(backward, g).empty()) {
    const Tensor narrow = empty_weight(weight, dy.device());
    if (run_bfloat16(backward, g, conv_replicas(weight), x.with_layout(channels_last), narrow,
                     dy.with_layout(channels_last)))
      return widen_weight(stream_, weight_shape(weight), data_of<BFloat16>(narrow),
                          data_of<float>(dweight));
  }
  const Tensor of_y = cast(dy, DType::float32), from = cast(x, DType::float32);
  copy(dweight, conv2d_backward_weight(of_y, from, weight, false, options).dweight);
}

}  // namespace hebb::cuda
