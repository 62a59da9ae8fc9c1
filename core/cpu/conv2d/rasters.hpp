#pragma once

#include <cstring>

#include "core/cpu/kernels.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/bfloat16.hpp"
#include "core/cpu/simd/integers.hpp"

/// Images in bfloat16 within their zeros, laid out so that what a weight meets at consecutive
/// positions of the output lies side by side: a weight is a shift.
namespace hebb::cpu::HEBB_ISA::bfloat16 {

/// How planes [height, width] of some images become one raster: the planes' rows one below the
/// other, each with the images side by side. A convolution of 3x3 and stride 2 needs four of them:
/// phase (a, b) has the elements (2 r + a - lead_h, 2 c + b - lead_w). Neighbours share zeros.
struct Raster {
  int64_t height, width, step_h, step_w, phases_h, phases_w, lead_h, lead_w;
  int64_t images, rows, columns;  // columns of an image

  int64_t row() const { return images * columns; }
  int64_t phase() const { return rows * row(); }
  int64_t phases() const { return phases_h * phases_w; }
  /// Elements of a plane, with what vectors and tiles reach behind it. An odd number of lines, or
  /// all planes would stand in one set of a cache.
  int64_t plane(int64_t element_bytes) const {
    const int64_t line = 64 / element_bytes;
    return (ceil_div(phases() * phase() + columns + 2 * step, line) | 1) * line;
  }
};

/// How many elements of an axis lie before phase a's first `count` elements' first one of the
/// plane, and behind its last one.
struct Zeros {
  int64_t before, inside;
  Zeros(int64_t a, int64_t stride, int64_t lead, int64_t extent, int64_t count) {
    before = smaller(count, larger(0, ceil_div(larger(0, lead - a), stride)));
    const int64_t last = larger(0, ceil_div(larger(0, extent + lead - a), stride));
    inside = larger(0, smaller(count, last) - before);
  }
};

/// Elements i, i + 1, ... of every stride-th of a row, `count` of which there are.
template <class E>
Vec<float> read(const E* row, int64_t stride, int64_t i, int64_t count) {
  constexpr int64_t lanes = Vec<float>::lanes;
  const int64_t left = count - i;
  if (left <= 0) return Vec<float>(0.0f);
  if (stride == 1) return left >= lanes ? load(row + i) : load(row + i, left);
  if (stride == 2) {
    // The last element may end the tensor.
    const E* from = row + 2 * i;
    const int64_t there = 2 * left - 1;
    Vec<float> even, odd;
    split_pairs(
        load(from, smaller(lanes, there)),
        there > lanes ? load(from + lanes, smaller(lanes, there - lanes)) : Vec<float>(0.0f), even,
        odd);
    return even;
  }
  alignas(64) float lane[lanes] = {};
  for (int64_t j = 0; j < smaller(lanes, left); ++j) lane[j] = load(row + (i + j) * stride, 1)[0];
  return load(lane);
}

/// Numbers of one channel.
struct Singles {
  using Element = uint16_t;
  static constexpr int64_t lanes = 32, channels = 1;
  template <class E>
  static __m512i read_row(const E* row, const E*, int64_t stride, int64_t i, int64_t count) {
    return round(read(row, stride, i, count), read(row, stride, i + lanes / 2, count));
  }
};

/// Numbers of two channels side by side; the second may be missing.
struct Pairs {
  using Element = uint32_t;
  static constexpr int64_t lanes = 16, channels = 2;
  template <class E>
  static __m512i read_row(const E* row, const E* second, int64_t stride, int64_t i, int64_t count) {
    return round_pairs(read(row, stride, i, count),
                       second ? read(second, stride, i, count) : Vec<float>(0.0f));
  }
};

template <class Element>
void clear(Element* to, int64_t elements) {
  std::memset(to, 0, size_t(elements) * sizeof(Element));
}

/// to [plane] = the raster of a channel, or of a pair of them, whose planes begin at x and second;
/// images are image_step apart. Vectors reach into what comes next, which is written later. What is
/// read next is on its way into the cache: processors do not see far enough behind a short plane.
template <class Kind, class E>
void fill_plane(const Raster& r, const E* x, const E* second, int64_t image_step,
                typename Kind::Element* to) {
  const int64_t ahead = Kind::channels * r.height * r.width, line = 64 / int64_t(sizeof(E));
  using Element = typename Kind::Element;
  Element* const begin = to;
  for (int64_t a = 0; a < r.phases_h; ++a)
    for (int64_t b = 0; b < r.phases_w; ++b) {
      const Zeros zeros(b, r.step_w, r.lead_w, r.width, r.columns);
      const int64_t first = zeros.before * r.step_w + b - r.lead_w;
      for (int64_t row = 0; row < r.rows; ++row) {
        const int64_t i = row * r.step_h + a - r.lead_h;
        if (i < 0 || i >= r.height || zeros.inside == 0) {
          clear(to, r.row());
          to += r.row();
          continue;
        }
        const int64_t offset = i * r.width + first;
        for (int64_t image = 0; image < r.images; ++image, to += r.columns) {
          const E* from = x + image * image_step + offset;
          const E* also = second ? second + image * image_step + offset : nullptr;
          if (b == 0)
            for (int64_t c = 0; c < r.width; c += line) {
              __builtin_prefetch(from + ahead + c);
              if (also) __builtin_prefetch(also + ahead + c);
            }
          for (int64_t c = 0; c < zeros.before; c += Kind::lanes)
            _mm512_storeu_si512(to + c, _mm512_setzero_si512());
          int64_t c = 0;
          for (; c < zeros.inside; c += Kind::lanes)
            _mm512_storeu_si512(to + zeros.before + c,
                                Kind::read_row(from, also, r.step_w, c, zeros.inside));
          for (c += zeros.before; c < r.columns; c += Kind::lanes)
            _mm512_storeu_si512(to + c, _mm512_setzero_si512());
        }
      }
    }
  clear(to, begin + r.plane(sizeof(Element)) - to);
}

}  // namespace hebb::cpu::HEBB_ISA::bfloat16
