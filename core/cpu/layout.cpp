#include <cstring>

#include "core/cpu/cpu_backend.hpp"
#include "core/loop_nest.hpp"

namespace hebb::cpu {
namespace {

constexpr int64_t piece_bytes = 1 << 18;  // that are worth a thread

/// Copies `rows` runs of `bytes`, from and to places that are steps of bytes apart.
void copy_runs(int64_t rows, int64_t bytes, char* to, int64_t to_step, const char* from,
               int64_t from_step) {
  if (bytes == 0) return;
  parallel_for(rows, std::max<int64_t>(1, piece_bytes / bytes), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      std::memcpy(to + r * to_step, from + r * from_step, size_t(bytes));
  });
}

void check_indices(const char* where, const Tensor& indices, int64_t extent) {
  const int64_t* index = data_of<int64_t>(indices);
  for (int64_t i = 0, n = indices.numel(); i < n; ++i)
    check(index[i] >= -extent && index[i] < extent,
          "[{}] expected indices in [{}, {}), got {} at {}", where, -extent, extent, index[i], i);
}

}  // namespace

Tensor CpuBackend::concat(std::span<const Tensor> parts, const Shape& shape, int axis) {
  const Tensor y = Tensor::empty(shape, parts[0].options());
  const int64_t outer = shape.product(0, axis);
  const int64_t inner = shape.product(axis + 1, shape.rank()) * int64_t(size_of(y.dtype()));
  char* to = data_of<char>(y);
  for (const Tensor& part : parts) {
    const int64_t bytes = part.size(axis) * inner;
    copy_runs(outer, bytes, to, shape[axis] * inner, data_of<char>(part), bytes);
    to += bytes;
  }
  return y;
}

Tensor CpuBackend::narrow(const Tensor& x, const Shape& shape, int axis, int64_t begin) {
  const Tensor y = Tensor::empty(shape, x.options());
  const int64_t inner = shape.product(axis + 1, shape.rank()) * int64_t(size_of(x.dtype()));
  const int64_t bytes = shape[axis] * inner;
  copy_runs(shape.product(0, axis), bytes, data_of<char>(y), bytes,
            data_of<char>(x) + begin * inner, x.size(axis) * inner);
  return y;
}

Tensor CpuBackend::permute(const Tensor& x, const Shape& shape, std::span<const int> axes) {
  const Tensor y = Tensor::empty(shape, x.options());
  if (y.numel() == 0) return y;
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.permute(permute_loop(x.shape(), axes), data_of<T>(x), data_of<T>(y));
  });
  return y;
}

Tensor CpuBackend::gather_rows(const Tensor& x, const Tensor& indices, const Shape& shape) {
  const int64_t rows = x.size(0), count = shape[0];
  const int64_t bytes = shape.product(1, shape.rank()) * int64_t(size_of(x.dtype()));
  const Tensor y = Tensor::empty(shape, x.options());
  check_indices("gather_rows", indices, rows);
  const int64_t* index = data_of<int64_t>(indices);
  if (bytes == 0) return y;
  const char* from = data_of<char>(x);
  char* to = data_of<char>(y);
  parallel_for(
      count, std::max<int64_t>(1, piece_bytes / 2 / bytes), [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i)
          std::memcpy(to + i * bytes, from + (index[i] < 0 ? index[i] + rows : index[i]) * bytes,
                      size_t(bytes));
      });
  return y;
}

Tensor CpuBackend::scatter_add_rows(const Tensor& dy, const Tensor& indices, const Shape& shape) {
  const Tensor dx = Tensor::zeros(shape, dy.options());
  const int64_t width = dy.shape().product(1, dy.rank());
  dispatch(dy.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.scatter_add_rows(indices.numel(), shape[0], width, data_of<T>(dy), data_of<int64_t>(indices),
                       data_of<T>(dx));
  });
  return dx;
}

Tensor CpuBackend::gather(const Tensor& x, const Tensor& indices, int axis) {
  check_indices("gather", indices, x.size(axis));
  const Tensor y = Tensor::empty(indices.shape(), x.options());
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.gather(gather_loop(x.shape(), indices.shape(), axis), data_of<T>(x),
             data_of<int64_t>(indices), data_of<T>(y));
  });
  return y;
}

Tensor CpuBackend::scatter_add(const Tensor& dy, const Tensor& indices, const Shape& shape,
                               int axis) {
  const Tensor dx = Tensor::zeros(shape, dy.options());
  dispatch(dy.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.scatter_add(gather_loop(shape, indices.shape(), axis), data_of<T>(dy),
                  data_of<int64_t>(indices), data_of<T>(dx));
  });
  return dx;
}

}  // namespace hebb::cpu
