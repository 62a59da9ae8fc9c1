#include <algorithm>

#include "gpu/cuda_backend.hpp"
#include "gpu/recording.hpp"

namespace hebb::cuda {
namespace {

// Repeated, such a key would give the same numbers.
void check_repeats(const RandomKey& key) {
  if (!key.base) stop_recording("it draws from a generator that has no base on the device");
}

}  // namespace

void CudaBackend::uniform(const Tensor& x, double lower, double upper, RandomKey key) {
  check_repeats(key);
  dispatch(x.dtype(),
           [&]<class T>() { cuda::uniform(stream_, x.numel(), lower, upper, key, data_of<T>(x)); });
}

void CudaBackend::normal(const Tensor& x, double mean, double stddev, RandomKey key) {
  check_repeats(key);
  dispatch(x.dtype(),
           [&]<class T>() { cuda::normal(stream_, x.numel(), mean, stddev, key, data_of<T>(x)); });
}

void CudaBackend::truncated_normal(const Tensor& x, double stddev, double limit, RandomKey key) {
  check_repeats(key);
  dispatch(x.dtype(), [&]<class T>() {
    cuda::truncated_normal(stream_, x.numel(), stddev, limit, key, data_of<T>(x));
  });
}

Tensor CudaBackend::dropout(const Tensor& x, std::span<const DropoutMask> masks) {
  for (const DropoutMask& mask : masks) check_repeats(mask.key);
  // An element's draw goes by its place among rows.
  const Tensor from = x.row_major(), y = empty_like(from);
  const int64_t part = x.numel() / std::ssize(masks);
  for (int64_t first = 0; first < std::ssize(masks); first += MaskList::most) {
    MaskList list;
    for (const DropoutMask& mask : masks.subspan(
             size_t(first), std::min<size_t>(MaskList::most, masks.size() - size_t(first))))
      list.add(mask.p, mask.key);
    dispatch_activations(x.dtype(), [&]<class T>() {
      cuda::dropout(stream_, part, list, data_of<T>(from) + first * part,
                    data_of<T>(y) + first * part);
    });
  }
  return y;
}

}  // namespace hebb::cuda
