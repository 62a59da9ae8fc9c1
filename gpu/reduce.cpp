#include <algorithm>

#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {

Tensor CudaBackend::reduce(Reduce op, const Tensor& x, const Shape& shape, uint32_t axes) {
  const Tensor y = Tensor::empty(shape, x.options());
  const double divisor = op == Reduce::mean ? double(reduced_count(x.shape(), axes)) : 1.0;
  if (x.numel() == 0) {
    fill(y, 0.0 / divisor);
    return y;
  }
  const ReduceLoop loop = reduce_loop(x.shape(), axes);
  const Tensor partial = scratch(reduce_scratch(loop));
  dispatch(x.dtype(), [&]<class T>() {
    cuda::reduce(stream_, op, loop, divisor, data_of<T>(x), data_of<T>(y),
                 data_of<double>(partial));
  });
  return y;
}

Tensor CudaBackend::reduce_backward(Reduce op, const Tensor& dy, const Tensor& x, uint32_t axes) {
  const Tensor dx = Tensor::empty(x.shape(), dy.options());
  const Shape shape = reduced_to_ones(x.shape(), axes);
  const bool reads_x = op == Reduce::sum_abs || op == Reduce::sum_square;
  const BroadcastLoop loop = broadcast_loop(x.shape(), shape, reads_x ? x.shape() : shape);
  dispatch(dy.dtype(), [&]<class T>() {
    cuda::reduce_backward(stream_, op, loop, reduced_count(x.shape(), axes), data_of<T>(dy),
                          data_of<T>(x), data_of<T>(dx));
  });
  return dx;
}

Tensor CudaBackend::sum_to(const Tensor& x, const Shape& shape) {
  const uint32_t axes = stretched_axes(shape, x.shape());
  return axes ? reduce(Reduce::sum, x, shape, axes) : x.view(shape);
}

Backend::WithIndices CudaBackend::max(const Tensor& x, const Shape& shape, int axis, bool last) {
  const Tensor y = Tensor::empty(shape, x.options());
  const Tensor indices = Tensor::empty(shape, {DType::int64, x.device()});
  dispatch(x.dtype(), [&]<class T>() {
    cuda::max(stream_, x.shape().product(0, axis), x.size(axis),
              x.shape().product(axis + 1, x.rank()), last, data_of<T>(x), data_of<T>(y),
              data_of<int64_t>(indices));
  });
  return {y, indices};
}

Tensor CudaBackend::max_backward(const Tensor& dy, const Tensor& indices, const Shape& shape,
                                 int axis) {
  const Tensor dx = Tensor::empty(shape, dy.options());
  dispatch(dy.dtype(), [&]<class T>() {
    cuda::max_backward(stream_, shape.product(0, axis), shape[axis],
                       shape.product(axis + 1, shape.rank()), data_of<T>(dy),
                       data_of<int64_t>(indices), data_of<T>(dx));
  });
  return dx;
}

Tensor CudaBackend::count_equal(const Tensor& a, const Tensor& b) {
  const Tensor count = Tensor::empty({}, {DType::int64, a.device()});
  cuda::count_equal(stream_, a.numel(), data_of<int64_t>(a), data_of<int64_t>(b),
                    data_of<int64_t>(count));
  return count;
}

void CudaBackend::accumulate(const Tensor& sums, std::span<const Weighted> terms) {
  double* sum = data_of<double>(sums);
  for (size_t first = 0; first < terms.size(); first += TermList::most) {
    TermList list;
    for (const auto& [value, weight] :
         terms.subspan(first, std::min(TermList::most, terms.size() - first)))
      list.terms[list.count++] = {value.defined() ? value.data() : nullptr,
                                  value.defined() ? value.dtype() : DType::float64, weight};
    cuda::accumulate(stream_, list, sum + first);
  }
}

}  // namespace hebb::cuda
