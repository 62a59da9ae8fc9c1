#include "gpu/conv2d_direct.hpp"
#include "gpu/fold.hpp"
#include "gpu/kernels.hpp"

namespace hebb::cuda {
namespace {

/// The gradients of four filters and of their biases, from some images: each a sum by `shares`
/// threads, which take columns of dy.
struct WeightGradient {
  int64_t batch;
  Planes planes;
  int filters, out_h, out_w, kernel_h, kernel_w;
  int images = 1, shares = 1;
  int64_t pieces = 1;  // of a replica's batch, with `images` each
  int64_t replicas = 1;

  HEBB_HOST_DEVICE int quads() const { return (filters + 3) / 4; }
  HEBB_HOST_DEVICE int area() const { return planes.channels * kernel_h * kernel_w; }
  HEBB_HOST_DEVICE int tasks() const { return planes.channels * kernel_w; }
  HEBB_HOST_DEVICE int numbers() const { return planes.size() + 4 * out_h * out_w; }
  HEBB_HOST_DEVICE int results() const { return filters * (area() + 1); }
  HEBB_HOST_DEVICE int64_t weights() const { return replicas * filters * area(); }
};

constexpr int rows_of_kernel(int64_t kernel_h) { return kernel_h <= 3 ? 3 : kernel_h <= 5 ? 5 : 7; }

/// As many numbers as a block has.
template <class T>
constexpr int64_t most_numbers = shared_bytes / int64_t(sizeof(T));

// A thread has one channel and kx, and `kernel` rows of the weights of four filters, in registers.
template <class Element, int kernel, class Source>
struct WeightGradientBody {
  static constexpr int phases = 4;
  using T = wide_t<Element>;
  // First x [image, channel, row, column] and dy [image, 4, pixel], then sums of each share.
  struct Shared {
    T numbers[most_numbers<T>];
  };
  struct Local {
    T sums[4 * kernel], bias[4];
  };
  WeightGradient g;
  const Element* x;
  Source dy;
  double* partial;  // [result, piece]: all weights, then all biases

  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local& local) const {
    const int quad = int(t.block % g.quads());
    const int64_t piece = t.block / g.quads() % g.pieces, begin = piece * g.images;
    const int64_t replica = t.block / g.quads() / g.pieces, first = replica * g.batch + begin;
    const int images = int(fewer(g.images, g.batch - begin)), plane = g.out_h * g.out_w;
    T* const of_dy = shared.numbers + g.images * g.planes.size();
    const int task = t.index / g.shares, share = t.index % g.shares;
    if (p == 0) {
      g.planes.load(t, first, images, Plain<Element>{x}, shared.numbers);
      for (int i = t.index; i < images * 4 * plane; i += t.count) {
        const int filter = 4 * quad + i / plane % 4, row = i % plane / g.out_w;
        const int64_t image = first + i / (4 * plane);
        of_dy[i] = filter < g.filters
                       ? dy.at(image * g.filters + filter, row, i % g.out_w, g.out_h, g.out_w)
                       : T(0);
      }
    } else if (p == 1) {
      for (T& sum : local.sums) sum = 0;
      for (T& sum : local.bias) sum = 0;
      if (task >= g.tasks()) return;
      for (int line = share; line < images * g.out_w; line += g.shares) {
        const int image = line / g.out_w, column = line % g.out_w;
        const T* d = of_dy + image * 4 * plane + column;
        slide(shared.numbers + image * g.planes.size() +
                  task / g.kernel_w * g.planes.rows * g.planes.columns + column + task % g.kernel_w,
              d, plane, local.sums);
        if (task == 0)
          for (int row = 0; row < g.out_h; ++row, d += g.out_w)
            for (int i = 0; i < 4; ++i) local.bias[i] += d[i * plane];
      }
    } else if (p == 2) {
      if (task >= g.tasks()) return;
      T* to = shared.numbers + task * 4 * kernel * g.shares + share;
      for (int i = 0; i < 4 * kernel; ++i) to[i * g.shares] = local.sums[i];
      to = shared.numbers + g.tasks() * 4 * kernel * g.shares + share;
      if (task == 0)
        for (int i = 0; i < 4; ++i) to[i * g.shares] = local.bias[i];
    } else {
      for (int i = t.index; i < 4 * (g.area() + 1); i += t.count)
        write(replica, quad, piece, i, shared.numbers);
    }
  }

  /// Down a column of dy, with the rows of x that it meets.
  HEBB_HOST_DEVICE void slide(const T* from, const T* d, int plane, T* sums) const {
    const int step = g.planes.columns;
    T window[kernel];
    for (int k = 1; k < kernel; ++k, from += step) window[k] = *from;
    for (int row = 0; row < g.out_h; ++row, from += step, d += g.out_w) {
      for (int k = 1; k < kernel; ++k) window[k - 1] = window[k];
      window[kernel - 1] = *from;
      for (int i = 0; i < 4; ++i) {
        const T of_dy = d[i * plane];
        for (int k = 0; k < kernel; ++k) sums[i * kernel + k] += of_dy * window[k];
      }
    }
  }

  /// Number i of the four filters' weights [4, channel, ky, kx], or biases after them.
  HEBB_HOST_DEVICE void write(int64_t replica, int quad, int64_t piece, int i,
                              const T* sums) const {
    const int at = i % g.area(), kx = at % g.kernel_w, ky = at / g.kernel_w % g.kernel_h;
    const int task = at / (g.kernel_w * g.kernel_h) * g.kernel_w + kx;
    const bool of_bias = i >= 4 * g.area();
    const int filter = 4 * quad + (of_bias ? i - 4 * g.area() : i / g.area());
    if (filter >= g.filters) return;
    const int slot =
        of_bias ? g.tasks() * 4 * kernel + filter % 4 : (task * 4 + filter % 4) * kernel + ky;
    double sum = 0;
    for (int share = 0; share < g.shares; ++share) sum += double(sums[slot * g.shares + share]);
    const int64_t of_all = replica * g.filters + filter;
    const int64_t result = of_bias ? g.weights() + of_all : of_all * g.area() + at;
    partial[result * g.pieces + piece] = sum;
  }
};

template <class T>
WeightGradient weight_gradient(const ConvGeometry& g) {
  const int kernel = rows_of_kernel(g.kernel_h);
  const int out_h = int(g.out_h), out_w = int(g.out_w), kernel_w = int(g.kernel_w);
  WeightGradient w{.batch = g.batch,
                   .planes = {int(g.channels), int(g.height), int(g.width), int(g.pad_h),
                              int(g.pad_w), out_h + kernel - 1, out_w + kernel_w - 1},
                   .filters = int(g.filters),
                   .out_h = out_h,
                   .out_w = out_w,
                   .kernel_h = int(g.kernel_h),
                   .kernel_w = kernel_w};
  const int64_t fit = most_numbers<T> / w.numbers();
  if (fit == 0) return w;
  w.images = images_for_block(g.batch, w.quads(), fit);
  w.pieces = (g.batch + w.images - 1) / w.images;
  const int64_t room = most_numbers<T> / ((w.tasks() + 1) * 4 * kernel);
  w.shares = int(fewer(fewer(block_threads / w.tasks(), w.images * w.out_w), room));
  return w;
}

}  // namespace

template <class T>
bool weight_gradient_fits(const ConvGeometry& g) {
  return weight_gradient<T>(g).numbers() <= most_numbers<T>;
}

template <class T>
int64_t conv2d_direct_scratch(const ConvGeometry& g) {
  const WeightGradient w = weight_gradient<T>(g);
  return w.results() * w.pieces;
}

template <Activation T>
void conv2d_direct_backward_weight(Stream stream, int64_t replicas, const ConvGeometry& g,
                                   const T* x, const OutputGradient<T>& dy, double* partial,
                                   wide_t<T>* dweight, wide_t<T>* dbias) {
  WeightGradient w = weight_gradient<wide_t<T>>(g);
  w.replicas = replicas;
  const auto launch = [&]<int kernel>() {
    with_source(dy, [&]<class Source>(const Source& source) {
      for_blocks(stream, replicas * w.pieces * w.quads(), up(w.tasks() * w.shares, 32),
                 WeightGradientBody<T, kernel, Source>{w, x, source, partial});
    });
  };
  switch (rows_of_kernel(g.kernel_h)) {
    case 3:
      launch.template operator()<3>();
      break;
    case 5:
      launch.template operator()<5>();
      break;
    default:
      launch.template operator()<7>();
  }
  const auto total = [&](int64_t results, const double* of, wide_t<T>* to) {
    for_blocks(stream, results, 64, TotalBody<wide_t<T>>{w.pieces, of, 1, to});
  };
  total(w.weights(), partial, dweight);
  if (dbias) total(replicas * w.filters, partial + w.weights() * w.pieces, dbias);
}

#define HEBB_INSTANTIATE(T)                                   \
  template bool weight_gradient_fits<T>(const ConvGeometry&); \
  template int64_t conv2d_direct_scratch<T>(const ConvGeometry&);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)

#define HEBB_INSTANTIATE_KERNELS(T)                                                           \
  template void conv2d_direct_backward_weight(Stream, int64_t, const ConvGeometry&, const T*, \
                                              const OutputGradient<T>&, double*, wide_t<T>*,  \
                                              wide_t<T>*);
HEBB_INSTANTIATE_KERNELS(float)
HEBB_INSTANTIATE_KERNELS(double)
HEBB_INSTANTIATE_KERNELS(BFloat16)

}  // namespace hebb::cuda
