#include "gpu/conv2d_direct.hpp"

#include "gpu/kernels.hpp"
#include "gpu/pool2d.hpp"

namespace hebb::cuda {
namespace {

/// y = x * w, or dx = dy * w with w turned round and its filters as channels.
struct Correlation {
  int64_t batch;
  Planes planes;
  int filters, out_h, out_w, kernel_h, kernel_w;
  bool turned;
  int images = 1;      // of a block
  int64_t blocks = 1;  // of a replica

  HEBB_HOST_DEVICE int quads() const { return (filters + 3) / 4; }
  HEBB_HOST_DEVICE int64_t weights_of_all() const {
    return int64_t(planes.channels) * kernel_h * kernel_w * filters;
  }
  HEBB_HOST_DEVICE int weights() const { return planes.channels * kernel_h * kernel_w * quads(); }
  HEBB_HOST_DEVICE int tiles() const { return quads() * (up(out_h, 4) / 4) * out_w; }
  HEBB_HOST_DEVICE int results() const { return filters * out_h * out_w; }
};

/// The images of a block.
struct Piece {
  int64_t replica, first;
  int images;

  HEBB_HOST_DEVICE Piece(const Correlation& c, int64_t block) : replica(block / c.blocks) {
    const int64_t begin = block % c.blocks * c.images;
    first = replica * c.batch + begin;
    images = int(fewer(c.images, c.batch - begin));
  }
};

template <class T>
struct alignas(16) Four {
  T of[4];
};

/// What a block has room for.
template <class T>
constexpr int64_t most_weights = shared_bytes / 3 / int64_t(sizeof(Four<T>));
template <class T>
constexpr int64_t most_pixels = shared_bytes / 3 * 2 / int64_t(sizeof(T));

// A thread computes four rows of a column for four filters, and then the next such tile.
template <class Element, class Source>
struct CorrelationBody {
  static constexpr int phases = 2;
  using T = wide_t<Element>;
  struct Shared {
    Four<T> weights[most_weights<T>];  // [channel, kx, ky, quad]
    T images[most_pixels<T>];
  };
  using Local = Nothing;

  Correlation c;
  Source x;
  const T *weight, *bias;  // no bias: null
  Element* y;

  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const Piece piece(c, t.block);
    if (p == 0)
      load(t, piece, shared);
    else
      convolve(t, piece, shared, y + piece.first * c.results());
  }

  HEBB_HOST_DEVICE void load(const Thread& t, const Piece& piece, Shared& shared) const {
    load_weights(t, weight + piece.replica * c.weights_of_all(), shared.weights);
    c.planes.load(t, piece.first, piece.images, x, shared.images);
  }

  /// To the results [filters, out_h, out_w] of the piece's images, rounded as an Element is.
  template <class Result>
  HEBB_HOST_DEVICE void convolve(const Thread& t, const Piece& piece, const Shared& shared,
                                 Result* to) const {
    const T* const shifts = bias ? bias + piece.replica * c.filters : nullptr;
    const int strips = up(c.out_h, 4) / 4;
    for (int i = t.index; i < piece.images * c.tiles(); i += t.count) {
      const int column = i % c.out_w, top = i / c.out_w % strips * 4;
      const int quad = i / (c.out_w * strips) % c.quads(), image = i / c.tiles();
      tile(quad, top, column, shifts, shared.weights + quad,
           shared.images + image * c.planes.size() + top * c.planes.columns + column,
           to + int64_t(image) * c.results());
    }
  }

  HEBB_HOST_DEVICE void load_weights(const Thread& t, const T* from, Four<T>* to) const {
    for (int i = t.index; i < 4 * c.weights(); i += t.count) {
      const int filter = i % (4 * c.quads());
      int at = i / (4 * c.quads());
      int ky = at % c.kernel_h, kx = at / c.kernel_h % c.kernel_w;
      const int channel = at / (c.kernel_h * c.kernel_w);
      if (c.turned) ky = c.kernel_h - 1 - ky, kx = c.kernel_w - 1 - kx;
      at = c.turned ? channel * c.filters + filter : filter * c.planes.channels + channel;
      to[i / 4].of[i % 4] =
          filter < c.filters
              ? wide(convert<Element>(from[(at * c.kernel_h + ky) * c.kernel_w + kx]))
              : T(0);
    }
  }

  template <class Result>
  HEBB_HOST_DEVICE void tile(int quad, int top, int column, const T* shifts, const Four<T>* w,
                             const T* pixels, Result* image) const {
    T sums[4][4] = {};  // [filter, row]
    const int step = c.planes.columns;
    for (int channel = 0; channel < c.planes.channels; ++channel)
      for (int kx = 0; kx < c.kernel_w; ++kx) {
        const T* from = pixels + channel * c.planes.rows * step + kx;
        T window[4] = {T(0), from[0], from[step], from[2 * step]};
        from += 3 * step;
        for (int ky = 0; ky < c.kernel_h; ++ky, from += step, w += c.quads()) {
          for (int row = 0; row < 3; ++row) window[row] = window[row + 1];
          window[3] = *from;
          const Four<T> four = *w;
          for (int filter = 0; filter < 4; ++filter)
            for (int row = 0; row < 4; ++row) sums[filter][row] += four.of[filter] * window[row];
        }
      }
    for (int i = 0; i < 4; ++i) {
      const int filter = 4 * quad + i;
      if (filter >= c.filters) continue;
      const T shift = shifts ? shifts[filter] : T(0);
      Result* to = image + (filter * c.out_h + top) * c.out_w + column;
      for (int row = 0; row < 4; ++row)
        if (top + row < c.out_h)
          to[row * c.out_w] = convert<Result>(convert<Element>(sums[i][row] + shift));
    }
  }
};

// As CorrelationBody, but the results stay in the block, behind the images, and are pooled there.
template <class Element>
struct PooledCorrelationBody {
  static constexpr int phases = 3;
  using T = wide_t<Element>;
  using Convolution = CorrelationBody<Element, Plain<Element>>;
  using Shared = typename Convolution::Shared;
  using Local = Nothing;

  Convolution convolution;
  PoolGeometry pool;
  bool relu;
  Element* y;
  int32_t* argmax;

  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const Correlation& c = convolution.c;
    const Piece piece(c, t.block);
    T* const results = shared.images + c.images * c.planes.size();
    if (p == 0) return convolution.load(t, piece, shared);
    if (p == 1) return convolution.convolve(t, piece, shared, results);
    const int width = int(pool.out_w), windows = int(pool.out_h) * width;
    for (int i = t.index; i < piece.images * c.filters * windows; i += t.count) {
      const Largest<T> best = largest(pool, results + i / windows * (c.out_h * c.out_w),
                                      i % windows / width, i % width);
      const int64_t at = piece.first * c.filters * windows + i;
      y[at] = convert<Element>(relu && best.value < T(0) ? T(0) : best.value);
      argmax[at] = int32_t(best.where);
    }
  }
};

Correlation correlation(ConvDirection direction, const ConvGeometry& g) {
  const int h = int(g.height), w = int(g.width), out_h = int(g.out_h), out_w = int(g.out_w);
  const int kh = int(g.kernel_h), kw = int(g.kernel_w);
  Correlation c{.batch = g.batch,
                .planes = {int(g.channels), h, w, int(g.pad_h), int(g.pad_w), 0, 0},
                .filters = int(g.filters),
                .out_h = out_h,
                .out_w = out_w,
                .kernel_h = kh,
                .kernel_w = kw,
                .turned = direction == ConvDirection::backward_input};
  if (c.turned) {
    c.planes = {c.filters, out_h, out_w, kh - 1 - int(g.pad_h), kw - 1 - int(g.pad_w), 0, 0};
    c.filters = int(g.channels), c.out_h = h, c.out_w = w;
  }
  c.planes.rows = up(c.out_h, 4) + kh - 1;
  c.planes.columns = c.out_w + kw - 1;
  return c;
}

/// Cut into blocks, each with room for so many numbers of an image.
template <class T>
Correlation cut(Correlation c, int64_t numbers) {
  c.images = images_for_block(c.batch, 1, most_pixels<T> / numbers);
  c.blocks = (c.batch + c.images - 1) / c.images;
  return c;
}
int threads_for(const Correlation& c) {
  return int(fewer(up(c.images * c.tiles(), 32), block_threads));
}

template <class T, class Source>
void correlate(Stream stream, int64_t replicas, const Correlation& whole, const Source& x,
               const wide_t<T>* weight, const wide_t<T>* bias, T* y) {
  const Correlation c = cut<wide_t<T>>(whole, whole.planes.size());
  for_blocks(stream, replicas * c.blocks, threads_for(c),
             CorrelationBody<T, Source>{c, x, weight, bias, y});
}

}  // namespace

template <class T>
bool conv2d_is_direct(ConvDirection direction, const ConvGeometry& g) {
  constexpr int64_t most_channels = 16, most_extent = 256, most_kernel = 7;
  const auto within = [](int64_t most, int64_t a, int64_t b) { return a <= most && b <= most; };
  if (g.stride_h != 1 || g.stride_w != 1 || g.dilation_h != 1 || g.dilation_w != 1 ||
      !within(most_channels, g.channels, g.filters) ||
      !within(most_kernel, g.kernel_h, g.kernel_w) || !within(most_extent, g.height, g.width) ||
      !within(most_extent, g.out_h, g.out_w))
    return false;
  if (direction == ConvDirection::backward_weight) return weight_gradient_fits<T>(g);
  const Correlation c = correlation(direction, g);
  return c.weights() <= most_weights<T> && c.planes.size() <= most_pixels<T>;
}

template <class T>
bool conv2d_direct_pools(const ConvGeometry& g) {
  if (!conv2d_is_direct<T>(ConvDirection::forward, g)) return false;
  const Correlation c = correlation(ConvDirection::forward, g);
  return c.planes.size() + c.results() <= most_pixels<T>;
}

template <Activation T>
void conv2d_direct(Stream stream, int64_t replicas, const ConvGeometry& g, const T* x,
                   const wide_t<T>* weight, const wide_t<T>* bias, T* y) {
  correlate(stream, replicas, correlation(ConvDirection::forward, g), Plain<T>{x}, weight, bias, y);
}

template <Activation T>
void conv2d_direct_max_pool(Stream stream, int64_t replicas, const ConvGeometry& g,
                            const PoolGeometry& pool, bool relu, const T* x,
                            const wide_t<T>* weight, const wide_t<T>* bias, T* y, int32_t* argmax) {
  const Correlation whole = correlation(ConvDirection::forward, g);
  const Correlation c = cut<wide_t<T>>(whole, whole.planes.size() + whole.results());
  for_blocks(stream, replicas * c.blocks, threads_for(c),
             PooledCorrelationBody<T>{{c, {x}, weight, bias, nullptr}, pool, relu, y, argmax});
}

template <Activation T>
void conv2d_direct_backward_input(Stream stream, int64_t replicas, const ConvGeometry& g,
                                  const OutputGradient<T>& dy, const wide_t<T>* weight, T* dx) {
  with_source(dy, [&](const auto& source) {
    correlate<T>(stream, replicas, correlation(ConvDirection::backward_input, g), source, weight,
                 nullptr, dx);
  });
}

#define HEBB_INSTANTIATE(T)                                              \
  template bool conv2d_is_direct<T>(ConvDirection, const ConvGeometry&); \
  template bool conv2d_direct_pools<T>(const ConvGeometry&);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)

#define HEBB_INSTANTIATE_KERNELS(T)                                                               \
  template void conv2d_direct_max_pool(Stream, int64_t, const ConvGeometry&, const PoolGeometry&, \
                                       bool, const T*, const wide_t<T>*, const wide_t<T>*, T*,    \
                                       int32_t*);                                                 \
  template void conv2d_direct(Stream, int64_t, const ConvGeometry&, const T*, const wide_t<T>*,   \
                              const wide_t<T>*, T*);                                              \
  template void conv2d_direct_backward_input(Stream, int64_t, const ConvGeometry&,                \
                                             const OutputGradient<T>&, const wide_t<T>*, T*);
HEBB_INSTANTIATE_KERNELS(float)
HEBB_INSTANTIATE_KERNELS(double)
HEBB_INSTANTIATE_KERNELS(BFloat16)

}  // namespace hebb::cuda
