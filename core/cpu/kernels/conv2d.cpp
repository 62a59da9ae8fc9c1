#include "core/cpu/conv2d/paths.hpp"
#include "core/cpu/kernels/table.hpp"

namespace hebb::cpu::HEBB_ISA {

template <class T>
ConvKernels<T> conv2d_kernels() {
  return {.conv2d_path = choose_path<T>,
          .conv2d = conv2d_forward<T>,
          .conv2d_backward_input = conv2d_backward_input<T>,
          .conv2d_backward_weight = conv2d_backward_weight<T>};
}

template ConvKernels<float> conv2d_kernels();
#if HEBB_FLOAT64
template ConvKernels<double> conv2d_kernels();
#endif

}  // namespace hebb::cpu::HEBB_ISA
