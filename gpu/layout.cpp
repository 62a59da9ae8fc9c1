#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {

// Of bfloat16, and of int32: the indices that pooling gives beside it.
Tensor CudaBackend::with_layout(const Tensor& x, Layout layout) {
  if (x.layout() == layout) return x;
  const int64_t channels = x.size(-3), positions = x.size(-2) * x.size(-1);
  if (x.numel() == 0 || channels == 1 || positions == 1)  // the same memory
    return Tensor(
        make_ref<Tensor::Body>(x.body()->storage, x.body()->offset, x.shape(), x.dtype(), layout));
  const Tensor y = Tensor::empty(x.shape(), x.options(), layout);
  const bool from_rows = x.layout() == Layout::row_major;
  const auto convert = [&]<class Word>(Word* to) {
    transpose(stream_, x.numel() / (channels * positions), from_rows ? channels : positions,
              from_rows ? positions : channels, data_of<Word>(x), to);
  };
  if (size_of(x.dtype()) == 2)
    convert(data_of<uint16_t>(y));
  else
    convert(data_of<uint32_t>(y));
  return y;
}

Tensor CudaBackend::concat(std::span<const Tensor> parts, const Shape& shape, int axis) {
  const Tensor y = Tensor::empty(shape, parts[0].options());
  const int64_t outer = shape.product(0, axis);
  const int64_t inner = shape.product(axis + 1, shape.rank()) * int64_t(size_of(y.dtype()));
  char* to = data_of<char>(y);
  for (const Tensor& part : parts) {
    const int64_t bytes = part.size(axis) * inner;
    const Tensor from = part.row_major();
    copy_runs(stream_, outer, bytes, to, shape[axis] * inner, from.data(), bytes);
    to += bytes;
  }
  return y;
}

Tensor CudaBackend::narrow(const Tensor& x, const Shape& shape, int axis, int64_t begin) {
  const Tensor from = x.row_major();
  const Tensor y = Tensor::empty(shape, x.options());
  const int64_t inner = shape.product(axis + 1, shape.rank()) * int64_t(size_of(x.dtype()));
  const int64_t bytes = shape[axis] * inner;
  copy_runs(stream_, shape.product(0, axis), bytes, y.data(), bytes,
            data_of<char>(from) + begin * inner, x.size(axis) * inner);
  return y;
}

Tensor CudaBackend::permute(const Tensor& x, const Shape& shape, std::span<const int> axes) {
  const Tensor from = x.row_major(), y = Tensor::empty(shape, x.options());
  dispatch_activations(x.dtype(), [&]<class T>() {
    cuda::permute(stream_, permute_loop(x.shape(), axes), y.numel(), data_of<T>(from),
                  data_of<T>(y));
  });
  return y;
}

// Indices out of range are a complaint that the next synchronisation throws.
Tensor CudaBackend::gather_rows(const Tensor& x, const Tensor& indices, const Shape& shape) {
  const Tensor y = Tensor::empty(shape, x.options());
  check_range(stream_, shape[0], {.begin = -x.size(0), .end = x.size(0)},
              {data_of<int64_t>(indices)}, Complaint::gather_rows, complaint_);
  dispatch(x.dtype(), [&]<class T>() {
    cuda::gather_rows(stream_, shape[0], x.size(0), shape.product(1, shape.rank()), data_of<T>(x),
                      data_of<int64_t>(indices), data_of<T>(y));
  });
  return y;
}

Tensor CudaBackend::scatter_add_rows(const Tensor& dy, const Tensor& indices, const Shape& shape) {
  const Tensor dx = Tensor::zeros(shape, dy.options());
  dispatch(dy.dtype(), [&]<class T>() {
    cuda::scatter_add_rows(stream_, indices.numel(), shape[0], dy.shape().product(1, dy.rank()),
                           data_of<T>(dy), data_of<int64_t>(indices), data_of<T>(dx));
  });
  return dx;
}

Tensor CudaBackend::gather(const Tensor& x, const Tensor& indices, int axis) {
  const Tensor y = Tensor::empty(indices.shape(), x.options());
  const int64_t extent = x.size(axis);
  check_range(stream_, indices.numel(), {.begin = -extent, .end = extent},
              {data_of<int64_t>(indices)}, Complaint::gather, complaint_);
  dispatch(x.dtype(), [&]<class T>() {
    cuda::gather(stream_, gather_loop(x.shape(), indices.shape(), axis), data_of<T>(x),
                 data_of<int64_t>(indices), data_of<T>(y));
  });
  return y;
}

Tensor CudaBackend::scatter_add(const Tensor& dy, const Tensor& indices, const Shape& shape,
                                int axis) {
  const Tensor dx = Tensor::zeros(shape, dy.options());
  dispatch(dy.dtype(), [&]<class T>() {
    cuda::scatter_add(stream_, gather_loop(shape, indices.shape(), axis), data_of<T>(dy),
                      data_of<int64_t>(indices), data_of<T>(dx));
  });
  return dx;
}

}  // namespace hebb::cuda
