#include <vector>

#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {

void CudaBackend::sgd(const Tensor& parameter, const Tensor& grad, const Tensor& momentum,
                      const SgdStep& step) {
  dispatch(grad.dtype(), [&]<class T>() {
    cuda::sgd(stream_, grad.numel(), step, data_of<T>(grad), data_of<T>(parameter),
              data_or_null<T>(momentum));
  });
}

void CudaBackend::adam(const Tensor& parameter, const Tensor& grad, const Tensor& m,
                       const Tensor& v, const AdamStep& step) {
  dispatch(grad.dtype(), [&]<class T>() {
    cuda::adam(stream_, grad.numel(), step, data_of<T>(grad), data_of<T>(parameter), data_of<T>(m),
               data_of<T>(v));
  });
}

void CudaBackend::nadam(const Tensor& parameter, const Tensor& grad, const Tensor& m,
                        const Tensor& v, const NadamStep& step) {
  dispatch(grad.dtype(), [&]<class T>() {
    cuda::nadam(stream_, grad.numel(), step, data_of<T>(grad), data_of<T>(parameter), data_of<T>(m),
                data_of<T>(v));
  });
}

// As in torch.nn.utils.clip_grad_norm_: all gradients times limit / (norm + 1e-6), at most 1. The
// factor stays on the device.
Tensor CudaBackend::clip_norm(std::span<const Tensor> grads, double limit) {
  const Tensor norm = Tensor::empty({}, {DType::float64, grads[0].device()});
  const Tensor scale = scratch(1);
  dispatch(grads[0].dtype(), [&]<class T>() {
    std::vector<TensorList<T>> lists;
    int64_t pieces = 0;
    for (const Tensor& grad : grads) {
      if (lists.empty() || lists.back().count == TensorList<T>::most) lists.emplace_back();
      const int64_t before = lists.back().pieces();
      lists.back().add(data_of<T>(grad), grad.numel());
      pieces += lists.back().pieces() - before;
    }
    const Tensor sums = scratch(pieces);
    int64_t first = 0;
    for (const TensorList<T>& list : lists) {
      sum_squares(stream_, list, data_of<double>(sums) + first);
      first += list.pieces();
    }
    clip_scale(stream_, pieces, data_of<double>(sums), limit, data_of<double>(norm),
               data_of<double>(scale));
    for (const TensorList<T>& list : lists) scale_all(stream_, list, data_of<double>(scale));
  });
  return norm;
}

}  // namespace hebb::cuda
