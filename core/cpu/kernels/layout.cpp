#include "core/cpu/kernels/table.hpp"
#include "core/cpu/simd/loops.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

// Cut over columns, so that a row that occurs twice gets its sum in the order of the indices.
template <class T>
void scatter_add_rows(int64_t count, int64_t width, const T* dy, const int64_t* index, T* dx) {
  parallel_for(width, larger(64, grain / (count + 1)), [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < count; ++i) {
      T* to = dx + index[i] * width + begin;
      map(
          end - begin, to, [](Vec<T> a, Vec<T> b) { return a + b; }, to, dy + i * width + begin);
    }
  });
}

}  // namespace

template <class T>
LayoutKernels<T> layout_kernels() {
  return {.scatter_add_rows = scatter_add_rows<T>};
}

template LayoutKernels<float> layout_kernels();
template LayoutKernels<double> layout_kernels();

}  // namespace hebb::cpu::HEBB_ISA
