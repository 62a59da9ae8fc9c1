#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/api.hpp"

namespace HEBB_API hebb {

/// Element types. float32 is the default, float64 exists for every CPU operation (gradient checks
/// need it), int64 holds labels and indices, int32 positions inside a window of memory (what
/// pooling keeps for its gradient), uint8 raw images and bytes. bfloat16 is what activations may
/// be, with parameters of float32: convolutions, dense layers, normalisation, pooling, dropout,
/// elementwise functions, sums of two and what moves elements take it and give it, and add up in
/// float32; all other operations make float32 of it first.
enum class DType : uint8_t { float32, float64, int64, int32, uint8, bfloat16 };

/// Bytes per element.
size_t size_of(DType dtype);
/// "float32", "float64", ...
std::string_view name_of(DType dtype);
/// float32, float64 or bfloat16: what can carry a gradient.
inline bool is_floating(DType dtype) {
  return dtype == DType::float32 || dtype == DType::float64 || dtype == DType::bfloat16;
}
/// float32 or float64: what parameters can be.
inline bool is_wide(DType dtype) { return is_floating(dtype) && dtype != DType::bfloat16; }

template <class T>
inline constexpr DType dtype_of = DType::float32;
template <>
inline constexpr DType dtype_of<double> = DType::float64;
template <>
inline constexpr DType dtype_of<int64_t> = DType::int64;
template <>
inline constexpr DType dtype_of<int32_t> = DType::int32;
template <>
inline constexpr DType dtype_of<uint8_t> = DType::uint8;

template <class T>
concept Element = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, int64_t> ||
    std::same_as<T, int32_t> || std::same_as<T, uint8_t>;

}  // namespace hebb
