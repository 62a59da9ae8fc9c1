#include "core/cpu/conv2d/bfloat16_planes.hpp"

#include "core/cpu/conv2d/bfloat16.hpp"
#include "core/cpu/conv2d/paths.hpp"
#include "core/cpu/conv2d/winograd.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/loops.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

Bfloat16Unit unit_of(ConvPath path) {
  return path == ConvPath::bfloat16_tiles ? Bfloat16Unit::tiles : Bfloat16Unit::vectors;
}

/// Weights of float32, rounded: what Winograd's algorithms transform.
class RoundedWeights {
 public:
  RoundedWeights(const ConvGeometry& g, const float* w)
      : numbers_(g.filters * g.channels * g.kernel_h * g.kernel_w) {
    const int64_t n = g.filters * g.channels * g.kernel_h * g.kernel_w;
    parallel_for(n, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i += Vec<float>::lanes) {
        const int64_t left = smaller(Vec<float>::lanes, end - i);
        Bfloat16 rounded[Vec<float>::lanes];
        store(rounded, load(w + i, left));
        store(numbers_.data() + i, load(rounded), left);
      }
    });
  }
  const float* data() const { return numbers_.data(); }

 private:
  Scratch<float> numbers_;
};

}  // namespace

ConvPath bfloat16_planes_path(ConvPolicy policy, Bfloat16Unit unit, ConvDirection direction,
                              const ConvGeometry& g) {
  if (smaller(g.channels, g.filters) < 16) return ConvPath::im2col;
  const ConvPath other = choose_path<float>(policy, Bfloat16Unit::none, direction, g);
  const bool winograd = other == ConvPath::winograd2 || other == ConvPath::winograd4;
  if (unit == Bfloat16Unit::tiles) return ConvPath::bfloat16_tiles;
  return winograd && g.stride_h == 1 ? other : ConvPath::bfloat16_vectors;
}

void bfloat16_planes(ConvPath path, const ConvGeometry& g, const Bfloat16* x, const float* w,
                     const float* bias, Bfloat16* y) {
  if (path == ConvPath::winograd4)
    winograd_forward<4>(g, x, RoundedWeights(g, w).data(), bias, y);
  else if (path == ConvPath::winograd2)
    winograd_forward<2>(g, x, RoundedWeights(g, w).data(), bias, y);
  else
    bfloat16_forward(unit_of(path), g, x, w, bias, y);
}

void bfloat16_planes_backward_input(ConvPath path, const ConvGeometry& g, const Bfloat16* dy,
                                    const float* w, Bfloat16* dx) {
  if (path == ConvPath::winograd4)
    winograd_backward_input<4>(g, dy, RoundedWeights(g, w).data(), dx);
  else if (path == ConvPath::winograd2)
    winograd_backward_input<2>(g, dy, RoundedWeights(g, w).data(), dx);
  else
    bfloat16_backward_input(unit_of(path), g, dy, w, dx);
}

void bfloat16_planes_backward_weight(ConvPath path, const ConvGeometry& g, const Bfloat16* x,
                                     const Bfloat16* dy, float* dw, float* db) {
  if (path == ConvPath::winograd4)
    winograd_backward_weight<4>(g, x, dy, dw, db);
  else if (path == ConvPath::winograd2)
    winograd_backward_weight<2>(g, x, dy, dw, db);
  else
    bfloat16_backward_weight(unit_of(path), g, x, dy, dw, db);
}

}  // namespace hebb::cpu::HEBB_ISA
