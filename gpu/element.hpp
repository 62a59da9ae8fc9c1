#pragma once

#include <type_traits>

#include "core/convert.hpp"

/// Elements as they lie in memory, and what kernels compute in: float for BFloat16, which has no
/// arithmetic of its own and is rounded where it is written (`convert`).
namespace hebb::cuda {

template <class T>
using wide_t = std::conditional_t<std::is_same_v<T, BFloat16>, float, T>;

template <class T>
HEBB_HOST_DEVICE inline wide_t<T> wide(T x) {
  return convert<wide_t<T>>(x);
}

/// Elements side by side, which go through one access where their address is a multiple of their
/// size.
template <class T, int n>
struct alignas(n * sizeof(T)) Pack {
  T of[n];
};
template <int n, class T>
HEBB_HOST_DEVICE inline Pack<T, n> load(const T* from, bool aligned) {
  if (aligned) return *reinterpret_cast<const Pack<T, n>*>(from);
  Pack<T, n> x;
  for (int k = 0; k < n; ++k) x.of[k] = from[k];
  return x;
}
template <int n, class T>
HEBB_HOST_DEVICE inline void store(const Pack<T, n>& x, T* to, bool aligned) {
  if (aligned)
    *reinterpret_cast<Pack<T, n>*>(to) = x;
  else
    for (int k = 0; k < n; ++k) to[k] = x.of[k];
}

}  // namespace hebb::cuda
