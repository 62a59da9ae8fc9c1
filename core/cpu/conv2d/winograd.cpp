#include "core/cpu/conv2d/winograd.hpp"

#include <cstring>
#include <type_traits>

#include "core/cpu/conv2d/minimal_filtering.hpp"
#include "core/cpu/conv2d/panels.hpp"
#include "core/cpu/conv2d/weight_sums.hpp"
#include "core/cpu/simd/copy.hpp"

// The three steps of a convolution: tiles of the input and the kernels are transformed, each of the
// points² components is a matrix product over channels, and the products are transformed into
// tiles of the output. Channels are in the lanes of the transforms, so that planes of every size
// are served alike.
namespace hebb::cpu::HEBB_ISA {
namespace {

using V = Vec<float>;
constexpr int64_t taps = 9;

constexpr int64_t padded(int64_t channels) { return ceil_div(channels, panel) * panel; }

/// Distances that are powers of two would put all components into one set of the cache.
constexpr int64_t component_step(int64_t elements) { return (ceil_div(elements, line) | 1) * line; }

/// x [batch, channels, height, width] within zeros.
struct Planes {
  int64_t channels, height, width, pad_h = 0, pad_w = 0;
  int64_t size() const { return height * width; }
};

/// The tiles of some images, or of some rows of tiles of one image.
struct Tiles {
  int64_t first_image, images, first_row, rows, columns;
  int64_t count() const { return images * rows * columns; }
};

/// How the images' tiles are cut into pieces.
struct Cut {
  int64_t batch, rows, columns;              // tiles of an image
  int64_t images_per_piece, rows_per_piece;  // either is all there is, or the other is 1
  int64_t pieces_per_image, pieces;

  Cut(int64_t n, const Planes& out, int64_t outputs, int64_t most_tiles)
      : batch(n), rows(ceil_div(out.height, outputs)), columns(ceil_div(out.width, outputs)) {
    const int64_t per_image = rows * columns;
    const int64_t images = larger(1, smaller(batch, most_tiles / per_image));
    images_per_piece = ceil_div(batch, ceil_div(batch, images));
    const int64_t strips =
        per_image <= most_tiles ? 1 : ceil_div(rows, larger(1, most_tiles / columns));
    rows_per_piece = ceil_div(rows, strips);
    pieces_per_image = ceil_div(rows, rows_per_piece);
    pieces = ceil_div(batch, images_per_piece) * pieces_per_image;
  }
  int64_t most() const { return images_per_piece * rows_per_piece * columns; }
  Tiles piece(int64_t i) const {
    const int64_t image = i / pieces_per_image * images_per_piece;
    const int64_t row = i % pieces_per_image * rows_per_piece;
    return {image, smaller(images_per_piece, batch - image), row,
            smaller(rows_per_piece, rows - row), columns};
  }
};

/// Where the transforms of tiles lie: components `step` apart, and in each of them tiles and panels
/// of channels.
struct Layout {
  int64_t step, tile_step, panel_step;

  /// Rows of all channels, for the left factor.
  static Layout by_tiles(int64_t tiles, int64_t channels) {
    return {component_step(tiles * padded(channels)), padded(channels), panel};
  }
  /// Rows of a panel of channels, for factors that are summed over tiles.
  static Layout by_panels(int64_t tiles, int64_t channels) {
    return {component_step(tiles * padded(channels)), panel, tiles * panel};
  }
};

/// The panels [first, last) of channels.
struct Panels {
  int64_t first, last;
  static Panels of(int64_t channels) { return {0, ceil_div(channels, panel)}; }
};

/// Calls function(piece, some of the panels) for all panels of the pieces. A thread has neighbours,
/// so that what a piece's panels have in common is computed by few threads.
template <class Function>
void share_panels(int64_t pieces, int64_t panels, Function&& function) {
  constexpr int64_t many = 8;  // of which a thread more or less is no matter
  const int64_t threads = hebb::detail::usable_threads(), all = pieces * panels;
  parallel_for(all, pieces < many * threads ? ceil_div(all, threads) : panels,
               [&](int64_t begin, int64_t end) {
                 for (int64_t next = begin; next < end;) {
                   const int64_t piece = next / panels, first = next % panels;
                   const int64_t last = smaller(panels, first + end - next);
                   function(piece, Panels{first, last});
                   next += last - first;
                 }
               });
}

/// Calls function(image, channel, channels) for vectors of channels of the images.
template <class Function>
void for_each_vector(int64_t images, int64_t channels, Panels panels, Function&& function) {
  const int64_t last = smaller(channels, panels.last * panel);
  for (int64_t image = 0; image < images; ++image)
    for (int64_t channel = panels.first * panel; channel < last; channel += V::lanes)
      function(image, channel, smaller(V::lanes, last - channel));
}

/// Consecutive positions of a plane in a strip [rows, columns, lanes], which has more columns.
class StripPositions {
 public:
  StripPositions(float* first, int64_t width, int64_t columns)
      : at_(first), width_(width), gap_((columns - width) * V::lanes) {}
  float* next() {
    float* const here = at_;
    at_ += V::lanes;
    if (++column_ == width_) column_ = 0, at_ += gap_;
    return here;
  }

 private:
  float* at_;
  int64_t width_, gap_, column_ = 0;
};

/// `count` positions of a strip = those of planes `step` apart, with channels in the lanes.
template <class E>
void fill_positions(int64_t channels, int64_t count, const E* from, int64_t step,
                    StripPositions to) {
  for (int64_t p = 0; p < count; p += V::lanes) {
    const int64_t left = smaller(V::lanes, count - p);
    V tile[V::lanes];
#pragma GCC unroll 16
    for (int64_t c = 0; c < V::lanes; ++c)
      tile[c] = c >= channels      ? V(0.0f)
                : left == V::lanes ? load(from + c * step + p)
                                   : load(from + c * step + p, left);
    transpose(tile);
#pragma GCC unroll 16
    for (int64_t j = 0; j < V::lanes; ++j)
      if (j < left) store(to.next(), tile[j]);
  }
}

/// The other way.
template <class E>
void read_positions(int64_t channels, int64_t count, StripPositions from, E* to, int64_t step) {
  for (int64_t p = 0; p < count; p += V::lanes) {
    const int64_t left = smaller(V::lanes, count - p);
    V tile[V::lanes];
#pragma GCC unroll 16
    for (int64_t j = 0; j < V::lanes; ++j) tile[j] = j < left ? load(from.next()) : V(0.0f);
    transpose(tile);
#pragma GCC unroll 16
    for (int64_t c = 0; c < V::lanes; ++c)
      if (c < channels)
        left == V::lanes ? store(to + c * step + p, tile[c])
                         : store(to + c * step + p, tile[c], left);
  }
}

/// strip [rows, columns, lanes] = the positions from `row` on, with channels in the lanes.
template <class E>
void fill_strip(const Planes& planes, const E* x, int64_t channels, int64_t row, int64_t rows,
                int64_t columns, float* strip) {
  const auto clear = [&](int64_t r, int64_t column, int64_t positions) {
    std::memset(strip + (r * columns + column) * V::lanes, 0,
                size_t(positions * V::lanes) * sizeof(float));
  };
  const int64_t top = planes.pad_h - row;  // where the image's first row would be
  const int64_t first = smaller(rows, larger(0, top));
  const int64_t last = larger(first, smaller(rows, top + planes.height));
  const int64_t right = planes.pad_w + planes.width;
  clear(0, 0, first * columns);
  for (int64_t r = first; r < last; ++r) {
    clear(r, 0, planes.pad_w);
    clear(r, right, columns - right);
  }
  clear(last, 0, (rows - last) * columns);
  fill_positions(channels, (last - first) * planes.width, x + (first - top) * planes.width,
                 planes.size(),
                 {strip + (first * columns + planes.pad_w) * V::lanes, planes.width, columns});
}

/// v = the transform of all tiles [size, size], whose corners lie `step` apart.
template <int size, int step, int points, class Transform, class E>
void transform_tiles(const Planes& planes, const Tiles& tiles, Panels panels, Transform transform,
                     const E* x, const Layout& layout, float* v) {
  const int64_t rows = tiles.rows * step + size - step,
                columns = tiles.columns * step + size - step;
  Scratch<float> strip(rows * columns * V::lanes);
  for_each_vector(
      tiles.images, planes.channels, panels, [&](int64_t image, int64_t c, int64_t channels) {
        const int64_t apart = layout.step;
        fill_strip(planes, x + ((tiles.first_image + image) * planes.channels + c) * planes.size(),
                   channels, tiles.first_row * step, rows, columns, strip.data());
        float* to = v + image * tiles.rows * tiles.columns * layout.tile_step +
                    c / panel * layout.panel_step + c % panel;
        for (int64_t row = 0; row < tiles.rows; ++row)
          for (int64_t column = 0; column < tiles.columns; ++column, to += layout.tile_step) {
            const float* corner = strip.data() + (row * columns + column) * step * V::lanes;
            both_ways<size, points>(
                transform,
                [&](int i, int j) { return load(corner + (i * columns + j) * V::lanes); },
                [&](int i, int j, V value) { store(to + (i * points + j) * apart, value); });
          }
      });
}

/// y = the tiles of the output from the products, plus bias.
template <class F, class E>
void transform_products(const Planes& planes, const Tiles& tiles, Panels panels,
                        const Layout& layout, const float* products, const float* bias, E* y) {
  constexpr int points = F::points, m = F::outputs;
  const int64_t columns = tiles.columns * m;
  Scratch<float> strip(tiles.rows * m * columns * V::lanes);
  for_each_vector(
      tiles.images, planes.channels, panels, [&](int64_t image, int64_t c, int64_t channels) {
        const int64_t apart = layout.step;
        const V shift = bias ? load(bias + c, channels) : V(0.0f);
        const float* from = products + image * tiles.rows * tiles.columns * layout.tile_step + c -
                            panels.first * panel;
        for (int64_t row = 0; row < tiles.rows; ++row)
          for (int64_t column = 0; column < tiles.columns; ++column, from += layout.tile_step) {
            float* corner = strip.data() + (row * columns + column) * m * V::lanes;
            both_ways<points, m>(
                F::output, [&](int i, int j) { return load(from + (i * points + j) * apart); },
                [&](int i, int j, V value) {
                  store(corner + (i * columns + j) * V::lanes, value + shift);
                });
          }
        const int64_t first = tiles.first_row * m;
        E* to = y + ((tiles.first_image + image) * planes.channels + c) * planes.size() +
                first * planes.width;
        read_positions(channels, smaller(tiles.rows * m, planes.height - first) * planes.width,
                       {strip.data(), planes.width, columns}, to, planes.size());
      });
}

/// Kernels [filters, channels, 3, 3], or their flipped transposes.
struct Weights {
  const float* data;
  int64_t filters, channels, filter_step, channel_step;
  bool flipped;
  int64_t component() const { return component_step(padded(filters) * channels); }
};

/// Which of the kernels² transforms of the weights a component is a product with.
template <class F>
constexpr int kernel_of(int component) {
  const int row = component / F::points, column = component % F::points, last = F::kernels - 1;
  return (row < last ? row : last) * F::kernels + (column < last ? column : last);
}

/// u [kernels², panels of filters, channels, panel] = the transformed weights.
template <int kernels, class Transform>
void transform_weights(const Weights& w, Transform transform, float* u) {
  constexpr int64_t channels_per_piece = 32;
  const int64_t panels = ceil_div(w.filters, panel);
  const int64_t chunks = ceil_div(w.channels, channels_per_piece);
  parallel_for(panels * chunks, 1, [&](int64_t begin, int64_t end) {
    Scratch<float> rows(taps * panel);
    for (int64_t item = begin; item < end; ++item) {
      const int64_t f = item / chunks * panel, filters = smaller(panel, w.filters - f);
      const int64_t first = item % chunks * channels_per_piece;
      std::memset(rows.data(), 0, size_t(taps * panel) * sizeof(float));
      for (int64_t c = first; c < smaller(w.channels, first + channels_per_piece); ++c) {
        transpose_copy(filters, taps, w.data + f * w.filter_step + c * w.channel_step,
                       w.filter_step, rows.data(), panel);
        for (int64_t lane = 0; lane < panel; lane += V::lanes) {
          float* to = u + f * w.channels + c * panel + lane;
          both_ways<3, kernels>(
              transform,
              [&](int i, int j) {
                const int64_t tap = i * 3 + j;
                return load(rows.data() + (w.flipped ? taps - 1 - tap : tap) * panel + lane);
              },
              [&](int i, int j, V value) { store(to + (i * kernels + j) * w.component(), value); });
        }
      }
    }
  });
}

/// products [tiles, filters] = v [tiles, channels] u [channels, filters] for one component. All the
/// weights are too many for a thread's caches: those behind the ones that are multiplied are asked
/// for meanwhile.
void multiply(int64_t tiles, const Weights& w, Panels panels, const Layout& left, const float* v,
              const float* u, const Layout& result, float* products) {
  const int64_t blocks = ceil_div(tiles, max_tile_rows), depths = ceil_div(w.channels, most_depth);
  for (int64_t f = panels.first; f < panels.last; ++f)
    for (int64_t d = 0; d < depths; ++d) {
      const int64_t c = w.channels * d / depths, depth = w.channels * (d + 1) / depths - c;
      const float* const weights = u + (f * w.channels + c) * panel;
      const float* const soon = weights + depth * panel;
      for (int64_t block = 0; block < blocks; ++block) {
        const int64_t t = tiles * block / blocks;
        const int64_t p = depth * block / blocks;
        prefetch_row<0, 2>(soon + p * panel, (depth * (block + 1) / blocks - p) * panel);
        gemm_rows(
            tiles * (block + 1) / blocks - t, panel, depth,
            RowMajor<float>{v + t * left.tile_step + c, left.tile_step},
            StridedRows<float>{weights, panel},
            TileOutput<float>{.c = products + t * result.tile_step + (f - panels.first) * panel,
                              .stride = result.tile_step,
                              .beta = d == 0 ? 0.0f : 1.0f});
      }
    }
}

/// y = x * w + bias. Pieces of the tiles go through all three steps, each in the caches of one
/// thread: large enough to be worth the kernels that pass by, with products of few filters at once.
template <class F, class E>
void correlate(int64_t batch, const Planes& in, const Planes& out, const Weights& w, const E* x,
               const float* bias, E* y) {
  if (batch == 0) return;
  constexpr int components = F::points * F::points;
  const int64_t tile_elements = components * (padded(in.channels) + padded(out.channels));
  constexpr int64_t group = 128 / panel;
  const int64_t least_tiles = larger(32, larger(in.channels, out.channels) / 8);
  const Cut cut(batch, out, F::outputs, larger(least_tiles, second_level / tile_elements));
  Scratch<float> u(F::kernels * F::kernels * w.component());
  transform_weights<F::kernels>(w, F::weights, u.data());
  const Layout left = Layout::by_tiles(cut.most(), in.channels),
               right = Layout::by_tiles(cut.most(), smaller(padded(out.channels), group * panel));
  share_panels(cut.pieces, ceil_div(w.filters, panel), [&](int64_t piece, Panels panels) {
    const Tiles tiles = cut.piece(piece);
    Scratch<float> v(components * left.step), products(components * right.step);
    transform_tiles<F::size, F::step, F::points>(in, tiles, Panels::of(in.channels), F::input, x,
                                                 left, v.data());
    for (int64_t first = panels.first; first < panels.last; first += group) {
      const Panels some = {first, smaller(panels.last, first + group)};
      for (int k = 0; k < components; ++k)
        multiply(tiles.count(), w, some, left, v.data() + k * left.step,
                 u.data() + kernel_of<F>(k) * w.component(), right,
                 products.data() + k * right.step);
      transform_products<F>(out, tiles, some, right, products.data(), bias, y);
    }
  });
}

/// du [filters, channels] = (or +=) Σ over tiles of p [tiles, filters] v [tiles, channels].
void accumulate(int64_t tiles, Panels panels, const Planes& in, const Layout& left, const float* p,
                const Layout& right, const float* v, bool first, float* du) {
  constexpr int64_t blocks = ceil_div(panel, max_tile_rows);
  const int64_t depths = ceil_div(tiles, most_depth), stride = padded(in.channels);
  for (int64_t c = 0; c < in.channels; c += panel)
    for (int64_t d = 0; d < depths; ++d) {
      const int64_t t = tiles * d / depths, depth = tiles * (d + 1) / depths - t;
      for (int64_t f = panels.first * panel; f < panels.last * panel; f += panel)
        for (int64_t block = 0; block < blocks; ++block) {
          const int64_t row = panel * block / blocks;
          gemm_rows(panel * (block + 1) / blocks - row, panel, depth,
                    ColumnMajor<float>{p + f / panel * left.panel_step + t * panel + row, panel},
                    StridedRows<float>{v + c / panel * right.panel_step + t * panel, panel},
                    TileOutput<float>{.c = du + (f + row) * stride + c,
                                      .stride = stride,
                                      .beta = first && d == 0 ? 0.0f : 1.0f});
        }
    }
}

/// dw and db from the adjoint of the steps. Parts of the tiles have sums of their own, if these are
/// not large.
template <class F, class E>
void weight_gradients(const ConvGeometry& g, const E* x, const E* dy, float* dw, float* db) {
  constexpr int points = F::points, components = points * points;
  constexpr int kernels = F::kernels, gradients = kernels * kernels;
  if (g.batch == 0) {
    std::memset(dw, 0, size_t(g.filters * g.channels * taps) * sizeof(float));
    if (db) std::memset(db, 0, size_t(g.filters) * sizeof(float));
    return;
  }
  constexpr int64_t cache_elements = 3 << 18, most_parts = 16, most_sums = 1 << 21;
  const int64_t least_tiles = larger(64, smaller(g.channels, g.filters) / 4);
  const Planes in = {g.channels, g.height, g.width, g.pad_h, g.pad_w};
  const Planes out = {g.filters, g.out_h, g.out_w};
  const int64_t tile_elements = components * (padded(in.channels) + padded(out.channels));
  const Cut cut(g.batch, out, F::outputs, larger(least_tiles, cache_elements / tile_elements));
  const Layout right = Layout::by_panels(cut.most(), in.channels),
               left = Layout::by_panels(cut.most(), out.channels);
  const int64_t stride = padded(in.channels);
  const int64_t gradient = component_step(padded(out.channels) * stride);
  const int64_t most = larger(1, smaller(most_parts, most_sums / (gradients * gradient)));
  const int64_t pieces = ceil_div(cut.pieces, smaller(most, cut.pieces));  // of a part
  const int64_t parts = ceil_div(cut.pieces, pieces);
  Scratch<float> du(parts * gradients * gradient);
  share_panels(parts, ceil_div(out.channels, panel), [&](int64_t part, Panels panels) {
    Scratch<float> v(components * right.step), p(components * left.step);
    float* const sums = du.data() + part * gradients * gradient;
    bool started[gradients] = {};
    for (int64_t i = part * pieces; i < smaller(cut.pieces, (part + 1) * pieces); ++i) {
      const Tiles tiles = cut.piece(i);
      transform_tiles<F::size, F::step, points>(in, tiles, Panels::of(in.channels), F::input, x,
                                                right, v.data());
      transform_tiles<F::outputs, F::outputs, points>(out, tiles, panels, F::output_adjoint, dy,
                                                      left, p.data());
      for (int k = 0; k < components; ++k) {
        const int kernel = kernel_of<F>(k);
        accumulate(tiles.count(), panels, in, left, p.data() + k * left.step, right,
                   v.data() + k * right.step, !started[kernel], sums + kernel * gradient);
        started[kernel] = true;
      }
    }
  });
  parallel_for(g.filters, 8, [&](int64_t begin, int64_t end) {
    Scratch<float> rows(taps * V::lanes);
    for (int64_t f = begin; f < end; ++f)
      for (int64_t c = 0; c < g.channels; c += V::lanes) {
        const float* from = du.data() + f * stride + c;
        both_ways<kernels, 3>(
            F::weights_adjoint,
            [&](int i, int j) {
              const float* first = from + (i * kernels + j) * gradient;
              V sum = load(first);
              for (int64_t part = 1; part < parts; ++part)
                sum += load(first + part * gradients * gradient);
              return sum;
            },
            [&](int i, int j, V value) { store(rows.data() + (i * 3 + j) * V::lanes, value); });
        transpose_copy(taps, smaller(V::lanes, g.channels - c), rows.data(), V::lanes,
                       dw + (f * g.channels + c) * taps, taps);
      }
  });
  if (db)
    parallel_for(g.filters, 8, [&](int64_t begin, int64_t end) {
      for (int64_t f = begin; f < end; ++f) db[f] = bias_gradient(g, 0, g.batch, f, dy);
    });
}

/// Planes of bfloat16 have faster paths for stride 2.
template <class E>
constexpr bool knows_strides = std::is_same_v<E, float>;

/// function(the filtering for the geometry's stride).
template <int m, class E, class Function>
void with_filtering(const ConvGeometry& g, Function&& function) {
  if constexpr (m == 2) {
    function(TwoOutputs());
  } else {
    if constexpr (knows_strides<E>)
      if (g.stride_h == 2) return function(FourStridedOutputs());
    function(FourOutputs());
  }
}

}  // namespace

template <int m>
bool winograd_applies(const ConvGeometry& g) {
  if (g.kernel_h != 3 || g.kernel_w != 3 || g.dilation_h != 1 || g.dilation_w != 1) return false;
  if (g.stride_h == 1 && g.stride_w == 1) return g.pad_h <= 2 && g.pad_w <= 2;
  return m == 4 && g.stride_h == 2 && g.stride_w == 2 && g.pad_h == 1 && g.pad_w == 1;
}

template <int m, class E>
void winograd_forward(const ConvGeometry& g, const E* x, const float* w, const float* bias, E* y) {
  with_filtering<m, E>(g, [&]<class F>(F) {
    correlate<F>(g.batch, {g.channels, g.height, g.width, g.pad_h, g.pad_w},
                 {g.filters, g.out_h, g.out_w},
                 {w, g.filters, g.channels, g.channels * taps, taps, false}, x, bias, y);
  });
}

template <int m, class E>
void winograd_backward_input(const ConvGeometry& g, const E* dy, const float* w, E* dx) {
  const Weights flipped = {w, g.channels, g.filters, taps, g.channels * taps, true};
  const Planes in = {g.channels, g.height, g.width};
  Planes out = {g.filters, g.out_h, g.out_w};
  if constexpr (m == 4 && knows_strides<E>)
    if (g.stride_h == 2)
      return correlate<EightSpreadOutputs>(g.batch, out, in, flipped, dy, nullptr, dx);
  out.pad_h = 2 - g.pad_h, out.pad_w = 2 - g.pad_w;
  with_filtering<m, E>(
      g, [&]<class F>(F) { correlate<F>(g.batch, out, in, flipped, dy, nullptr, dx); });
}

template <int m, class E>
void winograd_backward_weight(const ConvGeometry& g, const E* x, const E* dy, float* dw,
                              float* db) {
  with_filtering<m, E>(g, [&]<class F>(F) { weight_gradients<F>(g, x, dy, dw, db); });
}

template bool winograd_applies<2>(const ConvGeometry&);
template bool winograd_applies<4>(const ConvGeometry&);
template void winograd_forward<2>(const ConvGeometry&, const float*, const float*, const float*,
                                  float*);
template void winograd_backward_input<2>(const ConvGeometry&, const float*, const float*, float*);
template void winograd_backward_weight<2>(const ConvGeometry&, const float*, const float*, float*,
                                          float*);
template void winograd_forward<4>(const ConvGeometry&, const float*, const float*, const float*,
                                  float*);
template void winograd_backward_input<4>(const ConvGeometry&, const float*, const float*, float*);
template void winograd_backward_weight<4>(const ConvGeometry&, const float*, const float*, float*,
                                          float*);
#if HEBB_AMX
template void winograd_forward<2>(const ConvGeometry&, const Bfloat16*, const float*, const float*,
                                  Bfloat16*);
template void winograd_backward_input<2>(const ConvGeometry&, const Bfloat16*, const float*,
                                         Bfloat16*);
template void winograd_backward_weight<2>(const ConvGeometry&, const Bfloat16*, const Bfloat16*,
                                          float*, float*);
template void winograd_forward<4>(const ConvGeometry&, const Bfloat16*, const float*, const float*,
                                  Bfloat16*);
template void winograd_backward_input<4>(const ConvGeometry&, const Bfloat16*, const float*,
                                         Bfloat16*);
template void winograd_backward_weight<4>(const ConvGeometry&, const Bfloat16*, const Bfloat16*,
                                          float*, float*);
#endif

}  // namespace hebb::cpu::HEBB_ISA
