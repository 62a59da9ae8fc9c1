#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {
namespace {

/// A tensor's rows along the last axis.
struct Rows {
  int64_t count, width;

  explicit Rows(const Tensor& x) : count(0), width(x.rank() ? x.size(-1) : 1) {
    if (width > 0) count = x.numel() / width;
  }
};

Backend::WithGrad empty_loss(const Tensor& logits, const Shape& shape, bool with_grad) {
  return {.value = Tensor::empty(shape, logits.options()),
          .grad = with_grad ? Tensor::empty(logits.shape(), logits.options()) : Tensor(),
          .grad2 = {}};
}

template <class T>
Tensor map_rows(Stream stream, bool log, const Tensor& x) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  const Rows rows(x);
  softmax(stream, log, rows.count, rows.width, data_of<T>(x), data_of<T>(y));
  return y;
}

template <class T>
Tensor map_rows_backward(Stream stream, bool log, const Tensor& dy, const Tensor& y) {
  const Tensor dx = Tensor::empty(y.shape(), y.options());
  const Rows rows(y);
  softmax_backward(stream, log, rows.count, rows.width, data_of<T>(dy), data_of<T>(y),
                   data_of<T>(dx));
  return dx;
}

}  // namespace

Tensor CudaBackend::softmax(const Tensor& x) {
  return dispatch(x.dtype(), [&]<class T>() { return map_rows<T>(stream_, false, x); });
}

Tensor CudaBackend::softmax_backward(const Tensor& dy, const Tensor& y) {
  return dispatch(y.dtype(),
                  [&]<class T>() { return map_rows_backward<T>(stream_, false, dy, y); });
}

Tensor CudaBackend::log_softmax(const Tensor& x) {
  return dispatch(x.dtype(), [&]<class T>() { return map_rows<T>(stream_, true, x); });
}

Tensor CudaBackend::log_softmax_backward(const Tensor& dy, const Tensor& y) {
  return dispatch(y.dtype(), [&]<class T>() { return map_rows_backward<T>(stream_, true, dy, y); });
}

// Labels out of range are a complaint that the next synchronisation throws.
Backend::WithGrad CudaBackend::cross_entropy(const Tensor& logits, const Tensor& labels,
                                             double smoothing, bool with_grad) {
  const int64_t replicas = logits.rank() == 3 ? logits.size(0) : 1;
  const WithGrad result =
      empty_loss(logits, logits.rank() == 3 ? Shape{replicas} : Shape(), with_grad);
  const int64_t width = logits.size(-1), rows = logits.numel() / width;
  const Tensor losses = scratch(rows);
  check_range(stream_, rows, {.end = width}, {data_of<int64_t>(labels)}, Complaint::cross_entropy,
              complaint_);
  dispatch(logits.dtype(), [&]<class T>() {
    cuda::cross_entropy(stream_, replicas,
                        CrossEntropy<T>{.rows = rows,
                                        .width = width,
                                        .logits = data_of<T>(logits),
                                        .targets = nullptr,
                                        .labels = data_of<int64_t>(labels),
                                        .smoothing = smoothing,
                                        .grad = data_or_null<T>(result.grad)},
                        data_of<double>(losses), data_of<T>(result.value));
  });
  return result;
}

Backend::WithGrad CudaBackend::cross_entropy_rows(const Tensor& logits, const Tensor& labels,
                                                  const Tensor& weight, double smoothing,
                                                  std::optional<int64_t> ignored, bool with_grad) {
  const int64_t rows = logits.size(0), width = logits.size(1);
  WithGrad result = empty_loss(logits, {rows}, with_grad);
  result.grad2 = Tensor::empty({rows}, logits.options());
  check_range(stream_, rows, {.end = width, .spared = ignored.value_or(0)},
              {data_of<int64_t>(labels)}, Complaint::cross_entropy, complaint_);
  dispatch(logits.dtype(), [&]<class T>() {
    cuda::cross_entropy_rows(stream_,
                             CrossEntropy<T>{.rows = rows,
                                             .width = width,
                                             .logits = data_of<T>(logits),
                                             .targets = nullptr,
                                             .labels = data_of<int64_t>(labels),
                                             .ignored = ignored.value_or(-1),
                                             .class_weights = data_or_null<T>(weight),
                                             .smoothing = smoothing,
                                             .grad = data_or_null<T>(result.grad)},
                             data_of<T>(result.value), data_of<T>(result.grad2));
  });
  return result;
}

Backend::WithGrad CudaBackend::cross_entropy_soft(const Tensor& logits, const Tensor& targets,
                                                  const Tensor& weights, bool with_grad) {
  const WithGrad result = empty_loss(logits, {}, with_grad);
  const Tensor losses = scratch(logits.size(0));
  dispatch(logits.dtype(), [&]<class T>() {
    cuda::cross_entropy(stream_, 1,
                        CrossEntropy<T>{.rows = logits.size(0),
                                        .width = logits.size(1),
                                        .logits = data_of<T>(logits),
                                        .targets = data_of<T>(targets),
                                        .labels = nullptr,
                                        .weights = data_or_null<T>(weights),
                                        .grad = data_or_null<T>(result.grad)},
                        data_of<double>(losses), data_of<T>(result.value));
  });
  return result;
}

}  // namespace hebb::cuda
