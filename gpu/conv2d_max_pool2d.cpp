#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {
namespace {

/// Whether each position of the input is in one window at most, (row / kernel, column / kernel).
bool windows_stand_apart(const Pool2dOptions& o) {
  return o.stride_h == o.kernel_h && o.stride_w == o.kernel_w && o.pad_h == 0 && o.pad_w == 0 &&
         o.dilation_h == 1 && o.dilation_w == 1;
}

}  // namespace

Backend::WithIndices CudaBackend::conv2d_max_pool2d(const Tensor& x, const Tensor& weight,
                                                    const Tensor& bias, const Shape& convolved,
                                                    const Shape& shape,
                                                    const ConvPoolOptions& options) {
  const ConvGeometry g = conv_geometry(x.shape(), weight.shape(), convolved, options.conv);
  return dispatch_activations(x.dtype(), [&]<class T>() -> WithIndices {
    using Wide = wide_t<T>;
    if (shape.numel() == 0 || !conv2d_direct_pools<Wide>(g))
      return Backend::conv2d_max_pool2d(x, weight, bias, convolved, shape, options);
    const Tensor from = x.row_major();
    const WithIndices result = {Tensor::empty(shape, x.options()),
                                Tensor::empty(all_images(shape), {DType::int32, x.device()})};
    conv2d_direct_max_pool(stream_, conv_replicas(weight.shape()), g,
                           pool_geometry(all_images(convolved), all_images(shape), options.pool),
                           options.relu, data_of<T>(from), data_of<Wide>(weight),
                           data_or_null<Wide>(bias), data_of<T>(result.values),
                           data_of<int32_t>(result.indices));
    return result;
  });
}

// The gradient of what was pooled is read where the convolution's own kernels ask for it.
Backend::ConvGrads CudaBackend::conv2d_max_pool2d_backward(
    const Tensor& dy, const WithIndices& pooled, const Tensor& x, const Tensor& weight,
    const Shape& convolved, const ConvPoolOptions& options, ConvNeeds needs) {
  const ConvGeometry g = conv_geometry(x.shape(), weight.shape(), convolved, options.conv);
  const int64_t replicas = conv_replicas(weight.shape());
  const bool of_weight = needs.dweight || needs.dbias;
  const TensorOptions of_parameters = parameter_options(dy);
  return dispatch_activations(dy.dtype(), [&]<class T>() -> ConvGrads {
    using Wide = wide_t<T>;
    if (dy.numel() == 0 || !windows_stand_apart(options.pool) ||
        (needs.dx && !conv2d_is_direct<Wide>(ConvDirection::backward_input, g)) ||
        (of_weight && !conv2d_is_direct<Wide>(ConvDirection::backward_weight, g)))
      return Backend::conv2d_max_pool2d_backward(dy, pooled, x, weight, convolved, options, needs);
    const Tensor of_y = dy.row_major(), values = pooled.values.row_major();
    const Tensor indices = pooled.indices.row_major(), from = x.row_major();
    const OutputGradient<T> gradient = {.dy = data_of<T>(of_y),
                                        .argmax = data_of<int32_t>(indices),
                                        .values = options.relu ? data_of<T>(values) : nullptr,
                                        .kernel_h = int(options.pool.kernel_h),
                                        .kernel_w = int(options.pool.kernel_w),
                                        .out_h = int(dy.size(-2)),
                                        .out_w = int(dy.size(-1))};
    ConvGrads grads;
    if (needs.dx) {
      grads.dx = Tensor::empty(x.shape(), dy.options());
      conv2d_direct_backward_input(stream_, replicas, g, gradient, data_of<Wide>(weight),
                                   data_of<T>(grads.dx));
    }
    if (of_weight) {
      grads.dweight = Tensor::empty(weight.shape(), of_parameters);
      if (needs.dbias)
        grads.dbias = Tensor::empty(
            Shape(weight.shape().extents().first(size_t(weight.rank() - 3))), of_parameters);
      const Tensor partial = scratch(replicas * conv2d_direct_scratch<Wide>(g));
      conv2d_direct_backward_weight(stream_, replicas, g, data_of<T>(from), gradient,
                                    data_of<double>(partial), data_of<Wide>(grads.dweight),
                                    data_or_null<Wide>(grads.dbias));
    }
    return grads;
  });
}

}  // namespace hebb::cuda
