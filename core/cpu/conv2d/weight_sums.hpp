#pragma once

#include <cstring>

#include "core/cpu/conv2d/paths.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/integers.hpp"
#include "core/cpu/simd/vector.hpp"
#include "core/parallel.hpp"

/// How every path adds up the gradients of the weights and the bias over the images of a batch.
namespace hebb::cpu::HEBB_ISA {

template <class E, class T = Number<E>>
T row_sum(int64_t n, const E* x) {
  using V = Vec<T>;
  V s0 = V(T(0)), s1 = V(T(0));
  int64_t i = 0;
  for (; i + 2 * V::lanes <= n; i += 2 * V::lanes) {
    s0 += load(x + i);
    s1 += load(x + i + V::lanes);
  }
  for (; i < n; i += V::lanes) s0 += load(x + i, smaller(V::lanes, n - i));
  return sum(s0 + s1);
}

/// The gradient of filter f's bias over the images [first, last).
template <class E, class T = Number<E>>
T bias_gradient(const ConvGeometry& g, int64_t first, int64_t last, int64_t f, const E* dy) {
  const int64_t positions = g.out_h * g.out_w;
  T s = T(0);
  for (int64_t image = first; image < last; ++image)
    s += row_sum(positions, dy + (image * g.filters + f) * positions);
  return s;
}

/// out[i] = the sum of part[j * n + i] over j, in the order of j.
template <class T>
void add_parts(const T* part, int64_t parts, int64_t n, T* out) {
  constexpr int64_t run = 2048;
  parallel_for(ceil_div(n, run), 1, [=](int64_t begin, int64_t end) {
    for (int64_t first = begin * run; first < smaller(n, end * run); first += run) {
      const int64_t last = smaller(n, first + run);
      std::memcpy(out + first, part + first, size_t(last - first) * sizeof(T));
      for (int64_t j = 1; j < parts; ++j)
        for (int64_t i = first; i < last; ++i) out[i] += part[j * n + i];
    }
  });
}

/// Calls images(first, last, channel, channels, sum), which is to write to sum the gradient of the
/// weights [channel, channel + channels) over the images [first, last); sum points at the first of
/// these weights, and filters are channels * kernel apart. Pieces have `group` channels and at
/// least that many positions of the output, if there are; their sums are added in order.
template <class T, class Function>
void accumulate_weights(const ConvGeometry& g, int64_t group, int64_t least_positions, const T* dy,
                        T* dw, T* db, Function&& images) {
  constexpr int64_t most_pieces = 16, most_elements = int64_t(1) << 22;
  const int64_t kernel = g.kernel_h * g.kernel_w, positions = g.out_h * g.out_w;
  const int64_t weights = g.filters * g.channels * kernel;
  if (g.batch == 0) {
    std::memset(dw, 0, size_t(weights) * sizeof(T));
    if (db) std::memset(db, 0, size_t(g.filters) * sizeof(T));
    return;
  }
  const int64_t most = larger(1, smaller(most_pieces, most_elements / larger(1, weights)));
  const int64_t least = larger(ceil_div(conv_piece_work, larger(1, weights * positions)),
                               ceil_div(least_positions, larger(1, positions)));
  const int64_t per_piece = larger(ceil_div(g.batch, most), least);
  const int64_t pieces = ceil_div(g.batch, per_piece), groups = ceil_div(g.channels, group);
  Scratch<T> dw_parts(pieces > 1 ? pieces * weights : 0);
  Scratch<T> db_parts(pieces > 1 ? pieces * g.filters : 0);
  T* dw_part = pieces > 1 ? dw_parts.data() : dw;
  T* db_part = pieces > 1 ? db_parts.data() : db;
  parallel_for(pieces * groups, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t piece = item / groups, channel = item % groups * group;
      const int64_t first = piece * per_piece, last = smaller(g.batch, first + per_piece);
      images(first, last, channel, smaller(group, g.channels - channel),
             dw_part + piece * weights + channel * kernel);
      if (channel != 0 || !db) continue;
      for (int64_t f = 0; f < g.filters; ++f)
        db_part[piece * g.filters + f] = bias_gradient(g, first, last, f, dy);
    }
  });
  if (pieces == 1) return;
  add_parts(dw_part, pieces, weights, dw);
  if (db) add_parts(db_part, pieces, g.filters, db);
}

}  // namespace hebb::cpu::HEBB_ISA
