#include "core/random_fill.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"

namespace hebb::cuda {
namespace {

/// What thread i does: the four elements of block i of the key. One thread draws no word twice.
HEBB_HOST_DEVICE inline int64_t blocks_of(int64_t n) { return (n + 3) / 4; }

template <class T>
struct UniformBody {
  int64_t n;
  double lower, upper;
  RandomKey key;
  T* x;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const Philox::Block words = key.block(uint64_t(i));
    for (int k = 0; k < 4 && 4 * i + k < n; ++k)
      x[4 * i + k] = T(uniform_number(words[size_t(k)], lower, upper));
  }
};

template <class T>
struct NormalBody {
  int64_t n;
  double mean, stddev;
  RandomKey key;
  T* x;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const Philox::Block words = key.block(uint64_t(i));
    for (int k = 0; k < 4 && 4 * i + k < n; k += 2) {
      const NormalPair z = normal_pair(words[size_t(k)], words[size_t(k) + 1]);
      x[4 * i + k] = T(mean + stddev * z.first);
      if (4 * i + k + 1 < n) x[4 * i + k + 1] = T(mean + stddev * z.second);
    }
  }
};

template <class T>
struct TruncatedNormalBody {
  int64_t n;
  double stddev, limit, tail;
  RandomKey key;
  T* x;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const Philox::Block words = key.block(uint64_t(i));
    for (int k = 0; k < 4 && 4 * i + k < n; ++k)
      x[4 * i + k] = T(stddev * truncated_normal_number(words[size_t(k)], limit, tail));
  }
};

template <class T>
struct DropoutBody {
  int64_t n;  // of a part
  MaskList list;
  const T* x;
  T* y;
  HEBB_HOST_DEVICE void operator()(int64_t at) const {
    const int64_t blocks = blocks_of(n), part = at / blocks, i = at % blocks;
    const MaskList::Mask& mask = list.masks[part];
    const Philox::Block words = mask.key.block(uint64_t(i));
    for (int k = 0; k < 4 && 4 * i + k < n; ++k) {
      const int64_t place = part * n + 4 * i + k;
      const bool kept = words[size_t(k)] >> 8 >= mask.threshold;
      y[place] = convert<T>(wide(x[place]) * (kept ? wide_t<T>(mask.scale) : wide_t<T>(0)));
    }
  }
};

}  // namespace

template <class T>
void uniform(Stream stream, int64_t n, double lower, double upper, RandomKey key, T* x) {
  for_each(stream, blocks_of(n), UniformBody<T>{n, lower, upper, key, x});
}

template <class T>
void normal(Stream stream, int64_t n, double mean, double stddev, RandomKey key, T* x) {
  for_each(stream, blocks_of(n), NormalBody<T>{n, mean, stddev, key, x});
}

template <class T>
void truncated_normal(Stream stream, int64_t n, double stddev, double limit, RandomKey key, T* x) {
  for_each(stream, blocks_of(n),
           TruncatedNormalBody<T>{n, stddev, limit, normal_tail(limit), key, x});
}

void MaskList::add(double p, const RandomKey& key) {
  masks[count++] = {1 / (1 - p), uint32_t(std::ceil(p * 16777216.0)), key};
}

template <Activation T>
void dropout(Stream stream, int64_t n, const MaskList& list, const T* x, T* y) {
  for_each(stream, list.count * blocks_of(n), DropoutBody<T>{n, list, x, y});
}

#define HEBB_INSTANTIATE(T)                                              \
  template void uniform(Stream, int64_t, double, double, RandomKey, T*); \
  template void normal(Stream, int64_t, double, double, RandomKey, T*);  \
  template void truncated_normal(Stream, int64_t, double, double, RandomKey, T*);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)

#define HEBB_INSTANTIATE_DROPOUT(T) \
  template void dropout(Stream, int64_t, const MaskList&, const T*, T*);
HEBB_INSTANTIATE_DROPOUT(float)
HEBB_INSTANTIATE_DROPOUT(double)
HEBB_INSTANTIATE_DROPOUT(BFloat16)

}  // namespace hebb::cuda
