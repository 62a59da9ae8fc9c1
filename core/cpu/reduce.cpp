#include "core/cpu/cpu_backend.hpp"
#include "core/loop_nest.hpp"

namespace hebb::cpu {
Tensor CpuBackend::reduce(Reduce op, const Tensor& x, const Shape& shape, uint32_t axes) {
  const Tensor y = Tensor::empty(shape, x.options());
  const double divisor = op == Reduce::mean ? double(reduced_count(x.shape(), axes)) : 1.0;
  if (x.numel() == 0) {
    fill(y, 0.0 / divisor);
    return y;
  }
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.reduce(op, reduce_loop(x.shape(), axes), divisor, data_of<T>(x), data_of<T>(y));
  });
  return y;
}

Tensor CpuBackend::reduce_backward(Reduce op, const Tensor& dy, const Tensor& x, uint32_t axes) {
  const Tensor dx = Tensor::empty(x.shape(), dy.options());
  const Shape shape = reduced_to_ones(x.shape(), axes);
  const bool reads_x = op == Reduce::sum_abs || op == Reduce::sum_square;
  const BroadcastLoop loop = broadcast_loop(x.shape(), shape, reads_x ? x.shape() : shape);
  dispatch(dy.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.reduce_backward(op, loop, reduced_count(x.shape(), axes), data_of<T>(dy), data_of<T>(x),
                      data_of<T>(dx));
  });
  return dx;
}

Tensor CpuBackend::sum_to(const Tensor& x, const Shape& shape) {
  const uint32_t axes = stretched_axes(shape, x.shape());
  return axes ? reduce(Reduce::sum, x, shape, axes) : x.view(shape);
}

Backend::WithIndices CpuBackend::max(const Tensor& x, const Shape& shape, int axis, bool last) {
  const Tensor y = Tensor::empty(shape, x.options());
  const Tensor indices = Tensor::empty(shape, {DType::int64, x.device()});
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.max(x.shape().product(0, axis), x.size(axis), x.shape().product(axis + 1, x.rank()), last,
          data_of<T>(x), data_of<T>(y), data_of<int64_t>(indices));
  });
  return {y, indices};
}

Tensor CpuBackend::max_backward(const Tensor& dy, const Tensor& indices, const Shape& shape,
                                int axis) {
  const Tensor dx = Tensor::empty(shape, dy.options());
  dispatch(dy.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.max_backward(shape.product(0, axis), shape[axis], shape.product(axis + 1, shape.rank()),
                   data_of<T>(dy), data_of<int64_t>(indices), data_of<T>(dx));
  });
  return dx;
}

Tensor CpuBackend::count_equal(const Tensor& a, const Tensor& b) {
  const Tensor count = Tensor::empty({}, {DType::int64, a.device()});
  const int64_t* u = data_of<int64_t>(a);
  const int64_t* v = data_of<int64_t>(b);
  int64_t equal = 0;
  for (int64_t i = 0, n = a.numel(); i < n; ++i) equal += u[i] == v[i];
  *data_of<int64_t>(count) = equal;
  return count;
}

void CpuBackend::accumulate(const Tensor& sums, std::span<const Weighted> terms) {
  double* sum = data_of<double>(sums);
  for (const auto& [value, weight] : terms) {
    if (value.defined())
      *sum += weight * (value.dtype() == DType::float32   ? double(*data_of<float>(value))
                        : value.dtype() == DType::float64 ? *data_of<double>(value)
                                                          : double(*data_of<int64_t>(value)));
    ++sum;
  }
}

}  // namespace hebb::cpu
