#include <algorithm>
#include <type_traits>

#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {

namespace {

struct Reduced {
  Tensor x;
  ReduceLoop loop;
};

/// How x is read. With channels last it is read as it lies where that gives the results in the
/// order of rows: where of the channels and the positions only one kind stays.
Reduced reduced(const Tensor& x, uint32_t axes) {
  if (x.layout() == Layout::row_major) return {x, reduce_loop(x.shape(), axes)};
  const int channels = x.rank() - 3;
  const uint32_t behind = axes >> channels;  // bits of channels, height, width
  if (!(behind & 1) && (behind >> 1) != 0b11) return {x.row_major(), reduce_loop(x.shape(), axes)};
  const Shape lies = x.shape()
                         .with(channels, x.size(-2))
                         .with(channels + 1, x.size(-1))
                         .with(channels + 2, x.size(channels));
  const uint32_t in_front = axes & ((1u << channels) - 1);
  return {x,
          reduce_loop(lies, in_front | (behind >> 1) << channels | (behind & 1) << (channels + 2))};
}

}  // namespace

Tensor CudaBackend::reduce(Reduce op, const Tensor& x, const Shape& shape, uint32_t axes) {
  return reduce_to(Tensor::empty(shape, parameter_options(x)), op, x, axes);
}

Tensor CudaBackend::reduce_to(const Tensor& y, Reduce op, const Tensor& x, uint32_t axes) {
  const double divisor = op == Reduce::mean ? double(reduced_count(x.shape(), axes)) : 1.0;
  if (x.numel() == 0) {
    fill(y, 0.0 / divisor);
    return y;
  }
  const Reduced from = reduced(x, axes);
  const Tensor partial = scratch(reduce_scratch(from.loop));
  dispatch_activations(x.dtype(), [&]<class T>() {
    const auto launch = [&]<class Result>() {
      cuda::reduce(stream_, op, from.loop, divisor, data_of<T>(from.x), data_of<Result>(y),
                   data_of<double>(partial));
    };
    if constexpr (!std::is_same_v<T, wide_t<T>>)
      if (y.dtype() == x.dtype()) return launch.template operator()<T>();
    launch.template operator()<wide_t<T>>();
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
  return axes ? reduce_to(Tensor::empty(shape, x.options()), Reduce::sum, x, axes) : x.view(shape);
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
