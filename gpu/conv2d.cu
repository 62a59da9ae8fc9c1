#include "gpu/fold.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"

namespace hebb::cuda {
namespace {

template <class T>
struct ConvBody {  // a thread for each element of y
  ConvGeometry g;
  const T *x, *weight;
  T* y;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t ox = i % g.out_w, oy = i / g.out_w % g.out_h;
    const int64_t filter = i / (g.out_w * g.out_h) % g.filters;
    const int64_t sample = i / (g.out_w * g.out_h * g.filters);
    const T* w = weight + filter * g.channels * g.kernel_h * g.kernel_w;
    double sum = 0;
    for (int64_t c = 0; c < g.channels; ++c) {
      const T* plane = x + (sample * g.channels + c) * g.height * g.width;
      for (int64_t ky = 0; ky < g.kernel_h; ++ky)
        for (int64_t kx = 0; kx < g.kernel_w; ++kx, ++w) {
          const int64_t iy = oy * g.stride_h - g.pad_h + ky * g.dilation_h;
          const int64_t ix = ox * g.stride_w - g.pad_w + kx * g.dilation_w;
          if (iy >= 0 && iy < g.height && ix >= 0 && ix < g.width)
            sum += double(plane[iy * g.width + ix]) * double(*w);
        }
    }
    y[i] = T(sum);
  }
};

template <class T>
struct ConvBackwardInputBody {  // a thread for each element of dx
  ConvGeometry g;
  const T *dy, *weight;
  T* dx;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t ix = i % g.width, iy = i / g.width % g.height;
    const int64_t channel = i / (g.width * g.height) % g.channels;
    const int64_t sample = i / (g.width * g.height * g.channels);
    double sum = 0;
    for (int64_t ky = 0; ky < g.kernel_h; ++ky) {
      const int64_t y = iy + g.pad_h - ky * g.dilation_h, oy = y / g.stride_h;
      if (y < 0 || y % g.stride_h != 0 || oy >= g.out_h) continue;
      for (int64_t kx = 0; kx < g.kernel_w; ++kx) {
        const int64_t x = ix + g.pad_w - kx * g.dilation_w, ox = x / g.stride_w;
        if (x < 0 || x % g.stride_w != 0 || ox >= g.out_w) continue;
        for (int64_t f = 0; f < g.filters; ++f)
          sum += double(dy[((sample * g.filters + f) * g.out_h + oy) * g.out_w + ox]) *
                 double(weight[((f * g.channels + channel) * g.kernel_h + ky) * g.kernel_w + kx]);
      }
    }
    dx[i] = T(sum);
  }
};

template <class T>
struct ConvBackwardWeightBody {  // a block for each element of dweight
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  ConvGeometry g;
  const T *x, *dy;
  T* dweight;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    if (p == 1) return shared.fold(t);
    if (p == 2) {
      if (t.index == 0) dweight[t.block] = T(shared.total());
      return;
    }
    const int64_t kx = t.block % g.kernel_w, ky = t.block / g.kernel_w % g.kernel_h;
    const int64_t channel = t.block / (g.kernel_w * g.kernel_h) % g.channels;
    const int64_t filter = t.block / (g.kernel_w * g.kernel_h * g.channels);
    const int64_t plane = g.out_h * g.out_w;
    double sum = 0;
    for (int64_t i = t.index; i < g.batch * plane; i += t.count) {
      const int64_t sample = i / plane, oy = i % plane / g.out_w, ox = i % g.out_w;
      const int64_t iy = oy * g.stride_h - g.pad_h + ky * g.dilation_h;
      const int64_t ix = ox * g.stride_w - g.pad_w + kx * g.dilation_w;
      if (iy >= 0 && iy < g.height && ix >= 0 && ix < g.width)
        sum += double(dy[(sample * g.filters + filter) * plane + i % plane]) *
               double(x[((sample * g.channels + channel) * g.height + iy) * g.width + ix]);
    }
    shared.put(t, sum);
  }
};

template <class T>
struct AddBiasBody {
  BiasShape shape;
  const wide_t<T>* bias;
  T* y;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t at = i / shape.inner, replica = at / (shape.channels * shape.outer);
    y[i] = convert<T>(wide(y[i]) + bias[replica * shape.channels + at % shape.channels]);
  }
};

}  // namespace

template <class T>
void conv2d(Stream stream, const ConvGeometry& g, const T* x, const T* weight, T* y) {
  for_each(stream, g.batch * g.filters * g.out_h * g.out_w, ConvBody<T>{g, x, weight, y});
}

template <class T>
void conv2d_backward_input(Stream stream, const ConvGeometry& g, const T* dy, const T* weight,
                           T* dx) {
  for_each(stream, g.batch * g.channels * g.height * g.width,
           ConvBackwardInputBody<T>{g, dy, weight, dx});
}

template <class T>
void conv2d_backward_weight(Stream stream, const ConvGeometry& g, const T* x, const T* dy,
                            T* dweight) {
  const int threads = g.batch * g.out_h * g.out_w <= 256 ? 32 : block_threads;
  for_blocks(stream, g.filters * g.channels * g.kernel_h * g.kernel_w, threads,
             ConvBackwardWeightBody<T>{g, x, dy, dweight});
}

template <Activation T>
void add_bias(Stream stream, const BiasShape& shape, const wide_t<T>* bias, T* y) {
  for_each(stream, shape.replicas * shape.outer * shape.channels * shape.inner,
           AddBiasBody<T>{shape, bias, y});
}

#define HEBB_INSTANTIATE(T)                                                                 \
  template void conv2d(Stream, const ConvGeometry&, const T*, const T*, T*);                \
  template void conv2d_backward_input(Stream, const ConvGeometry&, const T*, const T*, T*); \
  template void conv2d_backward_weight(Stream, const ConvGeometry&, const T*, const T*, T*);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)

#define HEBB_INSTANTIATE_BIAS(T) \
  template void add_bias(Stream, const BiasShape&, const wide_t<T>*, T*);
HEBB_INSTANTIATE_BIAS(float)
HEBB_INSTANTIATE_BIAS(double)
HEBB_INSTANTIATE_BIAS(BFloat16)

}  // namespace hebb::cuda
