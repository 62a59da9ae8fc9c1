#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {
namespace {

/// How many numbers lie at a position.
int64_t side_by_side(const Tensor& x) { return x.layout() == Layout::row_major ? 1 : x.size(1); }

/// Planes as they lie: of an image where its channels lie side by side.
PoolGeometry planes_of(const Tensor& x, const Shape& input, const Shape& output,
                       const Pool2dOptions& options) {
  PoolGeometry g = pool_geometry(input, output, options);
  if (x.layout() == Layout::channels_last) g.planes = input[0];
  return g;
}

}  // namespace

// The indices are int32: positions inside a plane [H, W], in the order of the values.
Backend::WithIndices CudaBackend::max_pool2d(const Tensor& x, const Shape& shape,
                                             const Pool2dOptions& options) {
  const Tensor y = Tensor::empty(shape, x.options(), x.layout());
  const Tensor indices = Tensor::empty(shape, {DType::int32, x.device()}, x.layout());
  dispatch_activations(x.dtype(), [&]<class T>() {
    cuda::max_pool2d(stream_, planes_of(x, x.shape(), shape, options), side_by_side(x),
                     data_of<T>(x), data_of<T>(y), data_of<int32_t>(indices));
  });
  return {y, indices};
}

Tensor CudaBackend::max_pool2d_backward(const Tensor& dy, const Tensor& indices, const Shape& shape,
                                        const Pool2dOptions& options) {
  const Tensor from = in_layout_of(indices, dy);
  const Tensor dx = Tensor::empty(shape, dy.options(), from.layout());
  dispatch_activations(dy.dtype(), [&]<class T>() {
    cuda::max_pool2d_backward(stream_, planes_of(dx, shape, dy.shape(), options), side_by_side(dx),
                              data_of<T>(from), data_of<int32_t>(indices), data_of<T>(dx));
  });
  return dx;
}

Tensor CudaBackend::avg_pool2d(const Tensor& x, const Shape& shape, const Pool2dOptions& options) {
  const Tensor y = Tensor::empty(shape, x.options(), x.layout());
  dispatch_activations(x.dtype(), [&]<class T>() {
    cuda::avg_pool2d(stream_, planes_of(x, x.shape(), shape, options), side_by_side(x),
                     data_of<T>(x), data_of<T>(y));
  });
  return y;
}

Tensor CudaBackend::avg_pool2d_backward(const Tensor& dy, const Shape& shape,
                                        const Pool2dOptions& options) {
  const Tensor dx = Tensor::empty(shape, dy.options(), dy.layout());
  dispatch_activations(dy.dtype(), [&]<class T>() {
    cuda::avg_pool2d_backward(stream_, planes_of(dx, shape, dy.shape(), options), side_by_side(dx),
                              data_of<T>(dy), data_of<T>(dx));
  });
  return dx;
}

}  // namespace hebb::cuda
