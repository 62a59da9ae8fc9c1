#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {
namespace {

/// A tensor's rows along the last axis.
struct Rows {
  int64_t count, width;

  explicit Rows(const Tensor& x) : count(0), width(x.rank() ? x.size(-1) : 1) {
    if (width > 0) count = x.numel() / width;
  }
};

void check_labels(const Tensor& labels, int64_t classes, std::optional<int64_t> ignored) {
  const int64_t* label = data_of<int64_t>(labels);
  for (int64_t i = 0, n = labels.numel(); i < n; ++i)
    check((label[i] >= 0 && label[i] < classes) || label[i] == ignored,
          "[cross_entropy] expected labels in [0, {}), got {} at row {}", classes, label[i], i);
}

Backend::WithGrad empty_loss(const Tensor& logits, bool with_grad) {
  return {.value = Tensor::empty({}, logits.options()),
          .grad = with_grad ? Tensor::empty(logits.shape(), logits.options()) : Tensor(),
          .grad2 = {}};
}

}  // namespace

Tensor CpuBackend::softmax(const Tensor& x) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  dispatch(x.dtype(), [&, rows = Rows(x)]<class T>(const Kernels<T>& k) {
    k.softmax(rows.count, rows.width, data_of<T>(x), data_of<T>(y));
  });
  return y;
}

Tensor CpuBackend::softmax_backward(const Tensor& dy, const Tensor& y) {
  const Tensor dx = Tensor::empty(y.shape(), y.options());
  dispatch(y.dtype(), [&, rows = Rows(y)]<class T>(const Kernels<T>& k) {
    k.softmax_backward(rows.count, rows.width, data_of<T>(dy), data_of<T>(y), data_of<T>(dx));
  });
  return dx;
}

Tensor CpuBackend::log_softmax(const Tensor& x) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  dispatch(x.dtype(), [&, rows = Rows(x)]<class T>(const Kernels<T>& k) {
    k.log_softmax(rows.count, rows.width, data_of<T>(x), data_of<T>(y));
  });
  return y;
}

Tensor CpuBackend::log_softmax_backward(const Tensor& dy, const Tensor& y) {
  const Tensor dx = Tensor::empty(y.shape(), y.options());
  dispatch(y.dtype(), [&, rows = Rows(y)]<class T>(const Kernels<T>& k) {
    k.log_softmax_backward(rows.count, rows.width, data_of<T>(dy), data_of<T>(y), data_of<T>(dx));
  });
  return dx;
}

Backend::WithGrad CpuBackend::cross_entropy(const Tensor& logits, const Tensor& labels,
                                            double smoothing, bool with_grad) {
  const int64_t rows = logits.size(-2), classes = logits.size(-1);
  check_labels(labels, classes, std::nullopt);
  WithGrad result = empty_loss(logits, with_grad);
  const bool replicated = logits.rank() == 3;
  if (replicated) result.value = Tensor::empty({logits.size(0)}, logits.options());
  dispatch(logits.dtype(), [&]<class T>(const Kernels<T>& k) {
    for_replicas(replicated ? logits.size(0) : 1, [&](int64_t r) {
      k.cross_entropy(rows, classes, data_of<T>(logits) + r * rows * classes,
                      data_of<int64_t>(labels) + r * rows, smoothing, data_of<T>(result.value) + r,
                      with_grad ? data_of<T>(result.grad) + r * rows * classes : nullptr);
    });
  });
  return result;
}

Backend::WithGrad CpuBackend::cross_entropy_rows(const Tensor& logits, const Tensor& labels,
                                                 const Tensor& weight, double smoothing,
                                                 std::optional<int64_t> ignored, bool with_grad) {
  const int64_t rows = logits.size(0);
  check_labels(labels, logits.size(1), ignored);
  const WithGrad result{
      .value = Tensor::empty({rows}, logits.options()),
      .grad = with_grad ? Tensor::empty(logits.shape(), logits.options()) : Tensor(),
      .grad2 = Tensor::empty({rows}, logits.options())};
  dispatch(logits.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.cross_entropy_rows(rows, logits.size(1), data_of<T>(logits), data_of<int64_t>(labels),
                         ignored.value_or(-1), data_or_null<T>(weight), smoothing,
                         data_of<T>(result.value), data_or_null<T>(result.grad),
                         data_of<T>(result.grad2));
  });
  return result;
}

Backend::WithGrad CpuBackend::cross_entropy_soft(const Tensor& logits, const Tensor& targets,
                                                 const Tensor& weights, bool with_grad) {
  const WithGrad result = empty_loss(logits, with_grad);
  dispatch(logits.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.cross_entropy_soft(logits.size(0), logits.size(1), data_of<T>(logits), data_of<T>(targets),
                         data_or_null<T>(weights), data_of<T>(result.value),
                         data_or_null<T>(result.grad));
  });
  return result;
}

}  // namespace hebb::cpu
