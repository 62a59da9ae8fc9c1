#include <algorithm>

#include "core/convert.hpp"
#include "core/cpu/kernels/table.hpp"
#include "core/cpu/simd/loops.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

template <class Function>
void dispatch_any(DType dtype, Function&& function) {
  switch (dtype) {
    case DType::float32:
      return function.template operator()<float>();
    case DType::float64:
      return function.template operator()<double>();
    case DType::int64:
      return function.template operator()<int64_t>();
    case DType::int32:
      return function.template operator()<int32_t>();
    case DType::uint8:
      return function.template operator()<uint8_t>();
    case DType::bfloat16:
      return function.template operator()<BFloat16>();
  }
}

void fill(DType dtype, int64_t n, double value, void* x) {
  dispatch_any(dtype, [&]<class T>() {
    parallel_for(n, 8 * grain,
                 [data = static_cast<T*>(x), v = convert<T>(value)](int64_t begin, int64_t end) {
                   std::fill(data + begin, data + end, v);
                 });
  });
}

void cast(int64_t n, DType from_type, const void* from, DType to_type, void* to) {
  dispatch_any(from_type, [&]<class From>() {
    dispatch_any(to_type, [&]<class To>() {
      parallel_for(n, grain,
                   [source = static_cast<const From*>(from), target = static_cast<To*>(to)](
                       int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i) target[i] = convert<To>(source[i]);
                   });
    });
  });
}

}  // namespace

MemoryKernels memory_kernels() { return {.fill = fill, .cast = cast}; }

}  // namespace hebb::cpu::HEBB_ISA
