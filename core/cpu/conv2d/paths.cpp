#include "core/cpu/conv2d/paths.hpp"

#include <type_traits>

#include "core/cpu/conv2d/direct.hpp"
#include "core/cpu/conv2d/im2col.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

bool direct_pays(ConvDirection direction, const ConvGeometry& g) {
  // Small planes spend much on what lies between their rows; the sums of the weights' gradients
  // are gone over once an image and have to stay in the second-level cache.
  constexpr int64_t least_positions = 64, most_sums = 1 << 16;
  if (g.kernel_h * g.kernel_w == 1) return false;
  if (direction == ConvDirection::backward_weight)
    return g.filters * g.channels * g.kernel_h * g.kernel_w <= most_sums;
  return g.out_h * g.out_w >= least_positions;
}

}  // namespace

template <class T>
ConvPath choose_path(ConvDirection direction, const ConvGeometry& g) {
  if constexpr (std::is_same_v<T, float>)
    if (direct_applies(g) && direct_pays(direction, g)) return ConvPath::direct;
  return ConvPath::im2col;
}

template <class T>
void conv2d_forward(ConvPath path, const ConvGeometry& g, const T* x, const T* w, const T* bias,
                    T* y) {
  if constexpr (std::is_same_v<T, float>)
    if (path == ConvPath::direct) return direct_forward(g, x, w, bias, y);
  im2col_forward(g, x, w, bias, y);
}

template <class T>
void conv2d_backward_input(ConvPath path, const ConvGeometry& g, const T* dy, const T* w, T* dx) {
  if constexpr (std::is_same_v<T, float>)
    if (path == ConvPath::direct) return direct_backward_input(g, dy, w, dx);
  im2col_backward_input(g, dy, w, dx);
}

template <class T>
void conv2d_backward_weight(ConvPath path, const ConvGeometry& g, const T* x, const T* dy, T* dw,
                            T* db) {
  if constexpr (std::is_same_v<T, float>)
    if (path == ConvPath::direct) return direct_backward_weight(g, x, dy, dw, db);
  im2col_backward_weight(g, x, dy, dw, db);
}

template ConvPath choose_path<float>(ConvDirection, const ConvGeometry&);
template ConvPath choose_path<double>(ConvDirection, const ConvGeometry&);
template void conv2d_forward(ConvPath, const ConvGeometry&, const float*, const float*,
                             const float*, float*);
template void conv2d_forward(ConvPath, const ConvGeometry&, const double*, const double*,
                             const double*, double*);
template void conv2d_backward_input(ConvPath, const ConvGeometry&, const float*, const float*,
                                    float*);
template void conv2d_backward_input(ConvPath, const ConvGeometry&, const double*, const double*,
                                    double*);
template void conv2d_backward_weight(ConvPath, const ConvGeometry&, const float*, const float*,
                                     float*, float*);
template void conv2d_backward_weight(ConvPath, const ConvGeometry&, const double*, const double*,
                                     double*, double*);

}  // namespace hebb::cpu::HEBB_ISA
