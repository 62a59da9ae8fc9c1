#include "core/cpu/conv2d/bfloat16_planes.hpp"
#include "core/cpu/kernels/table.hpp"
#include "core/cpu/simd/loops.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using V = Vec<float>;

void add_scaled(int64_t n, double scale, const Bfloat16* x, Bfloat16* y) {
  parallel_map(
      n, y, [s = V(float(scale))](V a, V b) { return b + s * a; }, x, y);
}

void widen(int64_t n, const Bfloat16* x, float* y) {
  parallel_map(
      n, y, [](V a) { return a; }, x);
}

void round(int64_t n, const float* x, Bfloat16* y) {
  parallel_map(
      n, y, [](V a) { return a; }, x);
}

}  // namespace

Bfloat16Kernels bfloat16_kernels() {
  return {bfloat16_normalize_kernels(),
          bfloat16_planes_path,
          bfloat16_planes,
          bfloat16_planes_backward_input,
          bfloat16_planes_backward_weight,
          add_scaled,
          widen,
          round};
}

}  // namespace hebb::cpu::HEBB_ISA
