#include "core/cpu/bean/forms.hpp"
#include "core/cpu/bean/strength.hpp"
#include "core/cpu/simd/amx.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using V = Vec<float>;
using amx::block, amx::Factor, amx::side;

/// A block of K = F Fᵀ, its rows and columns neurons i and j, becomes K∘D. Adds its columns' pull
/// to force_j and, where the block stands for its transpose as well, its rows' to force_i. Returns
/// Σ_ij K_ij² D_ij.
template <Divergence divergence, bool mirrored>
float pull_block(float* k, const float* h_i, const float* h_j, float* force_i, float* force_j) {
  constexpr int64_t lanes = V::lanes;
  V value = 0.0f, force[2] = {load(force_j), load(force_j + lanes)};
  const V h[2] = {load(h_j), load(h_j + lanes)};
  for (int64_t i = 0; i < block; ++i) {
    V row = 0.0f;
#pragma GCC unroll 2
    for (int64_t v = 0; v < 2; ++v) {
      const V x = load(k + i * block + v * lanes), e = h[v] - V(h_i[i]), weight = x * x;
      const V distance = divergence == Divergence::squared ? e * e : abs(e);
      const V pull = weight * (divergence == Divergence::squared ? e : sign(e));
      force[v] += pull;
      row += pull;
      value += weight * distance;
      store(k + i * block + v * lanes, x * distance);
    }
    if constexpr (mirrored) force_i[i] -= sum(row);
  }
  store(force_j, force[0]);
  store(force_j + lanes, force[1]);
  return (mirrored ? 2 : 1) * sum(value);
}

template <Divergence divergence>
double on_tiles(const BeanLayer<float>& layer) {
  const int64_t n = layer.neurons, targets = layer.targets;
  const int64_t width = ceil_div(n, block) * block, height = ceil_div(targets, block) * block;
  const Scratch<float> h(width), force(width), f(height * width), df(height * width);
  std::copy_n(layer.h, n, h.data());
  zero(h.data() + n, width - n);
  zero(force.data(), width);
  for (int64_t m = 0; m < targets; ++m)
    connection_strength(n, width, layer.weight + m * n, layer.gamma, f.data() + m * width);
  zero(f.data() + targets * width, (height - targets) * width);

  const amx::Tiles tiles;
  const Factor left(height, width), right(width, height);  // F as either side of a product
  for (int64_t m = 0; m < height && layer.dweight; m += side)
    amx::split_columns(f.data() + m * width, width, left, m / side);
  for (int64_t t = 0; t < height / amx::step; ++t)
    amx::split_rows(width, f.data() + t * amx::step * width, width, right, t);

  // Blocks of K from the corner, each in both triangles. df[:, j] takes the blocks above the
  // diagonal in one product, those below it one by one.
  const Factor rows(block, height), above(block, width), below(block, block);
  alignas(64) float k[block * block], mirror[block * block];
  double total = 0;
  for (int64_t j = 0; j < width; j += block) {
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t t = 0; t < rows.steps(); ++t)
        amx::transpose_tiles(right.tiles(j / side + b, t), rows.tiles(b, t));
    const auto strengths = [&](int64_t i) {
      multiply<false>(rows.steps(), rows, 0, 0, right, i / side, k, block);
    };
    for (int64_t i = 0; i < j; i += block) {
      strengths(i);
      total += pull_block<divergence, true>(k, h.data() + j, h.data() + i, force.data() + j,
                                            force.data() + i);
      if (!layer.dweight) continue;
      amx::split_rows(block, k, block, below, 0);
      for (int64_t m = 0; m < height; m += block)
        multiply<true>(1, left, m / side, j / amx::step, below, 0, df.data() + m * width + i,
                       width);
      transpose_copy(block, block, k, block, mirror, block);
      amx::split_rows(block, mirror, block, above, i / amx::step);
    }
    strengths(j);
    total +=
        pull_block<divergence, false>(k, h.data() + j, h.data() + j, nullptr, force.data() + j);
    if (!layer.dweight) continue;
    amx::split_rows(block, k, block, above, j / amx::step);
    for (int64_t m = 0; m < height; m += block)
      multiply<false>(j / amx::step + 1, left, m / side, 0, above, 0, df.data() + m * width + j,
                      width);
  }

  if (layer.dh) {
    const V factor = float((divergence == Divergence::squared ? 4 : 2) * layer.factor);
    map(
        n, layer.dh, [factor](V x) { return factor * x; }, force.data());
  }
  if (layer.dweight)
    for (int64_t m = 0; m < targets; ++m)
      strength_gradient(n, layer.weight + m * n, f.data() + m * width, df.data() + m * width,
                        float(4 * layer.factor) * layer.gamma, layer.dweight + m * n);
  return layer.factor * total;
}

}  // namespace

double bean_order2_on_tiles(const BeanLayer<float>& layer, Divergence divergence) {
  return divergence == Divergence::squared ? on_tiles<Divergence::squared>(layer)
                                           : on_tiles<Divergence::absolute>(layer);
}

}  // namespace hebb::cpu::HEBB_ISA
