#pragma once

#include <utility>

#include "core/check.hpp"
#include "core/dtype.hpp"
#include "core/tensor.hpp"

namespace hebb::cpu::HEBB_ISA {

/// function.operator()<T>() for the type of a floating-point tensor's elements.
template <class Function>
decltype(auto) dispatch_floating(DType dtype, Function&& function) {
  if (dtype == DType::float32) return std::forward<Function>(function).template operator()<float>();
  if (dtype == DType::float64)
    return std::forward<Function>(function).template operator()<double>();
  fail<DTypeError>("[cpu] expected float32 or float64, got {}", name_of(dtype));
}

template <class T>
T* data_of(const Tensor& x) {
  return static_cast<T*>(x.data());
}

/// The same, or null for an undefined tensor.
template <class T>
T* data_or_null(const Tensor& x) {
  return x.defined() ? data_of<T>(x) : nullptr;
}

}  // namespace hebb::cpu::HEBB_ISA
