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

/// A parameter as products of T take it: to its nearest.
template <class T>
HEBB_HOST_DEVICE inline wide_t<T> factor(wide_t<T> parameter) {
  return wide(convert<T>(parameter));
}

}  // namespace hebb::cuda
