#include "core/cpu/conv2d/paths.hpp"

#include <type_traits>

#include "core/cpu/conv2d/bfloat16.hpp"
#include "core/cpu/conv2d/direct.hpp"
#include "core/cpu/conv2d/im2col.hpp"
#include "core/cpu/conv2d/pointwise.hpp"
#include "core/cpu/conv2d/winograd.hpp"
#include "core/cpu/simd/integers.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

bool direct_pays(ConvDirection direction, const ConvGeometry& g) {
  // Small planes spend much on what lies between their rows; the sums of the weights' gradients
  // are gone over once an image and have to stay in the second-level cache.
  constexpr int64_t least_positions = 64, most_sums = 1 << 16;
  if (direction == ConvDirection::backward_weight)
    return g.filters * g.channels * g.kernel_h * g.kernel_w <= most_sums;
  return g.out_h * g.out_w >= least_positions;
}

/// The products of F(m x m, 3 x 3) for one pair of channels, with what tiles have too much.
template <int m>
int64_t winograd_products(const ConvGeometry& g, int64_t out_h, int64_t out_w) {
  const int64_t points = g.stride_h * m + 3 - g.stride_h;
  return ceil_div(out_h, m) * ceil_div(out_w, m) * points * points;
}

/// The Winograd path of the fewest products, if what it saves pays for the transforms: their
/// lanes are channels, and those of the kernels are made anew for each batch.
ConvPath winograd_or(ConvPath other, ConvDirection direction, const ConvGeometry& g) {
  constexpr int64_t least_channels = 16, least_outputs = 256;
  if (g.batch * g.out_h * g.out_w < least_outputs ||
      smaller(g.channels, g.filters) < least_channels)
    return other;
  const bool unit_input = direction == ConvDirection::backward_input && g.stride_h == 1;
  const int64_t height = unit_input ? g.height : g.out_h, width = unit_input ? g.width : g.out_w;
  const int64_t two = winograd_products<2>(g, height, width), all = height * width * 9;
  const int64_t four = winograd_products<4>(g, height, width);
  if (!winograd_applies<2>(g))  // stride 2, or neither
    return winograd_applies<4>(g) && 5 * four <= 4 * all ? ConvPath::winograd4 : other;
  if (four <= two && 3 * four <= 2 * all) return ConvPath::winograd4;
  return 5 * two <= 4 * all ? ConvPath::winograd2 : other;
}

[[maybe_unused]] Bfloat16Unit unit_of(ConvPath path) {
  return path == ConvPath::bfloat16_tiles ? Bfloat16Unit::tiles : Bfloat16Unit::vectors;
}

ConvPath float32_path(ConvPolicy policy, ConvDirection direction, const ConvGeometry& g) {
  if (pointwise_applies(g)) return ConvPath::pointwise;
  const bool direct = direct_applies(g) && direct_pays(direction, g);
  const ConvPath exact = direct ? ConvPath::direct : ConvPath::im2col;
  return policy == ConvPolicy::exact ? exact : winograd_or(exact, direction, g);
}

}  // namespace

template <class T>
ConvPath choose_path(ConvPolicy policy, [[maybe_unused]] Bfloat16Unit unit, ConvDirection direction,
                     const ConvGeometry& g) {
  if constexpr (std::is_same_v<T, float>) {
    const ConvPath path = float32_path(policy, direction, g);
    if constexpr (HEBB_AMX != 0)
      if (unit != Bfloat16Unit::none && bfloat16_pays(unit, direction, path, g))
        return unit == Bfloat16Unit::tiles ? ConvPath::bfloat16_tiles : ConvPath::bfloat16_vectors;
    return path;
  }
  return ConvPath::im2col;
}

template <class T>
void conv2d_forward(ConvPath path, const ConvGeometry& g, const T* x, const T* w, const T* bias,
                    T* y) {
  if constexpr (std::is_same_v<T, float>) switch (path) {
      case ConvPath::im2col:
        break;
      case ConvPath::direct:
        return direct_forward(g, x, w, bias, y);
      case ConvPath::pointwise:
        return pointwise_forward(g, x, w, bias, y);
      case ConvPath::winograd2:
        return winograd_forward<2>(g, x, w, bias, y);
      case ConvPath::winograd4:
        return winograd_forward<4>(g, x, w, bias, y);
      case ConvPath::bfloat16_vectors:
      case ConvPath::bfloat16_tiles:
        if constexpr (HEBB_AMX != 0) return bfloat16_forward(unit_of(path), g, x, w, bias, y);
        break;
    }
  im2col_forward(g, x, w, bias, y);
}

template <class T>
void conv2d_backward_input(ConvPath path, const ConvGeometry& g, const T* dy, const T* w, T* dx) {
  if constexpr (std::is_same_v<T, float>) switch (path) {
      case ConvPath::im2col:
        break;
      case ConvPath::direct:
        return direct_backward_input(g, dy, w, dx);
      case ConvPath::pointwise:
        return pointwise_backward_input(g, dy, w, dx);
      case ConvPath::winograd2:
        return winograd_backward_input<2>(g, dy, w, dx);
      case ConvPath::winograd4:
        return winograd_backward_input<4>(g, dy, w, dx);
      case ConvPath::bfloat16_vectors:
      case ConvPath::bfloat16_tiles:
        if constexpr (HEBB_AMX != 0) return bfloat16_backward_input(unit_of(path), g, dy, w, dx);
        break;
    }
  im2col_backward_input(g, dy, w, dx);
}

template <class T>
void conv2d_backward_weight(ConvPath path, const ConvGeometry& g, const T* x, const T* dy, T* dw,
                            T* db) {
  if constexpr (std::is_same_v<T, float>) switch (path) {
      case ConvPath::im2col:
        break;
      case ConvPath::direct:
        return direct_backward_weight(g, x, dy, dw, db);
      case ConvPath::pointwise:
        return pointwise_backward_weight(g, x, dy, dw, db);
      case ConvPath::winograd2:
        return winograd_backward_weight<2>(g, x, dy, dw, db);
      case ConvPath::winograd4:
        return winograd_backward_weight<4>(g, x, dy, dw, db);
      case ConvPath::bfloat16_vectors:
      case ConvPath::bfloat16_tiles:
        if constexpr (HEBB_AMX != 0)
          return bfloat16_backward_weight(unit_of(path), g, x, dy, dw, db);
        break;
    }
  im2col_backward_weight(g, x, dy, dw, db);
}

template ConvPath choose_path<float>(ConvPolicy, Bfloat16Unit, ConvDirection, const ConvGeometry&);
template void conv2d_forward(ConvPath, const ConvGeometry&, const float*, const float*,
                             const float*, float*);
template void conv2d_backward_input(ConvPath, const ConvGeometry&, const float*, const float*,
                                    float*);
template void conv2d_backward_weight(ConvPath, const ConvGeometry&, const float*, const float*,
                                     float*, float*);
#if HEBB_FLOAT64
template ConvPath choose_path<double>(ConvPolicy, Bfloat16Unit, ConvDirection, const ConvGeometry&);
template void conv2d_forward(ConvPath, const ConvGeometry&, const double*, const double*,
                             const double*, double*);
template void conv2d_backward_input(ConvPath, const ConvGeometry&, const double*, const double*,
                                    double*);
template void conv2d_backward_weight(ConvPath, const ConvGeometry&, const double*, const double*,
                                     double*, double*);
#endif

}  // namespace hebb::cpu::HEBB_ISA
