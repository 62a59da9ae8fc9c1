#include "core/cpu/conv2d/paths.hpp"
#include "core/cpu/kernels/table.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

template <class T>
void forward(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  conv2d_forward(choose_path<T>(ConvDirection::forward, g), g, x, w, bias, y);
}

template <class T>
void backward_input(const ConvGeometry& g, const T* dy, const T* w, T* dx) {
  conv2d_backward_input(choose_path<T>(ConvDirection::backward_input, g), g, dy, w, dx);
}

template <class T>
void backward_weight(const ConvGeometry& g, const T* x, const T* dy, T* dw, T* db) {
  conv2d_backward_weight(choose_path<T>(ConvDirection::backward_weight, g), g, x, dy, dw, db);
}

}  // namespace

template <class T>
ConvKernels<T> conv2d_kernels() {
  return {.conv2d = forward<T>,
          .conv2d_backward_input = backward_input<T>,
          .conv2d_backward_weight = backward_weight<T>};
}

template ConvKernels<float> conv2d_kernels();
template ConvKernels<double> conv2d_kernels();

}  // namespace hebb::cpu::HEBB_ISA
