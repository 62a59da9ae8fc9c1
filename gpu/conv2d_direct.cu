#include "gpu/conv2d_direct.hpp"

#include "gpu/kernels.hpp"

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
};

template <class T>
struct alignas(16) Four {
  T of[4];
};

// A thread computes four rows of a column for four filters, and then the next such tile.
template <class T>
struct CorrelationBody {
  static constexpr int phases = 2;
  struct Shared {
    Four<T> weights[shared_bytes / 3 / int64_t(sizeof(Four<T>))];  // [channel, kx, ky, quad]
    T images[shared_bytes / 3 * 2 / int64_t(sizeof(T))];
  };
  using Local = Nothing;
  static constexpr int64_t most_weights = sizeof(Shared::weights) / sizeof(Four<T>);
  static constexpr int64_t most_pixels = sizeof(Shared::images) / sizeof(T);

  Correlation c;
  const T *x, *weight, *bias;  // no bias: null
  T* y;

  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const int64_t replica = t.block / c.blocks, begin = t.block % c.blocks * c.images;
    const int64_t first = replica * c.batch + begin;
    const int images = int(fewer(c.images, c.batch - begin));
    if (p == 0) {
      load_weights(t, weight + replica * c.weights_of_all(), shared.weights);
      c.planes.load(t, first, images, x, shared.images);
      return;
    }
    const T* const shifts = bias ? bias + replica * c.filters : nullptr;
    const int strips = up(c.out_h, 4) / 4;
    for (int i = t.index; i < images * c.tiles(); i += t.count) {
      const int column = i % c.out_w, top = i / c.out_w % strips * 4;
      const int quad = i / (c.out_w * strips) % c.quads(), image = i / c.tiles();
      tile(first + image, quad, top, column, shifts, shared.weights + quad,
           shared.images + image * c.planes.size() + top * c.planes.columns + column);
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
          filter < c.filters ? from[(at * c.kernel_h + ky) * c.kernel_w + kx] : T(0);
    }
  }

  HEBB_HOST_DEVICE void tile(int64_t image, int quad, int top, int column, const T* shifts,
                             const Four<T>* w, const T* pixels) const {
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
      T* to = y + ((image * c.filters + filter) * c.out_h + top) * c.out_w + column;
      for (int row = 0; row < 4; ++row)
        if (top + row < c.out_h) to[row * c.out_w] = sums[i][row] + shift;
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

template <class T>
void correlate(Stream stream, int64_t replicas, Correlation c, const T* x, const T* weight,
               const T* bias, T* y) {
  c.images = images_for_block(c.batch, 1, CorrelationBody<T>::most_pixels / c.planes.size());
  c.blocks = (c.batch + c.images - 1) / c.images;
  const int threads = int(fewer(up(c.images * c.tiles(), 32), block_threads));
  for_blocks(stream, replicas * c.blocks, threads, CorrelationBody<T>{c, x, weight, bias, y});
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
  return c.weights() <= CorrelationBody<T>::most_weights &&
         c.planes.size() <= CorrelationBody<T>::most_pixels;
}

template <class T>
void conv2d_direct(Stream stream, int64_t replicas, const ConvGeometry& g, const T* x,
                   const T* weight, const T* bias, T* y) {
  correlate(stream, replicas, correlation(ConvDirection::forward, g), x, weight, bias, y);
}

template <class T>
void conv2d_direct_backward_input(Stream stream, int64_t replicas, const ConvGeometry& g,
                                  const T* dy, const T* weight, T* dx) {
  correlate<T>(stream, replicas, correlation(ConvDirection::backward_input, g), dy, weight, nullptr,
               dx);
}

#define HEBB_INSTANTIATE(T)                                                                       \
  template bool conv2d_is_direct<T>(ConvDirection, const ConvGeometry&);                          \
  template void conv2d_direct(Stream, int64_t, const ConvGeometry&, const T*, const T*, const T*, \
                              T*);                                                                \
  template void conv2d_direct_backward_input(Stream, int64_t, const ConvGeometry&, const T*,      \
                                             const T*, T*);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)

}  // namespace hebb::cuda
