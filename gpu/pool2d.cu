#include "gpu/pool2d.hpp"

#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"

namespace hebb::cuda {
namespace {

/// The outputs whose windows reach over a position of the input.
HEBB_HOST_DEVICE inline Range windows_over(int64_t in, int64_t kernel, int64_t stride, int64_t pad,
                                           int64_t dilation, int64_t outputs) {
  const int64_t first = in + pad - (kernel - 1) * dilation;
  return {first > 0 ? ceil_div(first, stride) : 0, smaller(outputs, (in + pad) / stride + 1), 1};
}
HEBB_HOST_DEVICE inline Range row_windows(const PoolGeometry& g, int64_t iy) {
  return windows_over(iy, g.kernel_h, g.stride_h, g.pad_h, g.dilation_h, g.out_h);
}
HEBB_HOST_DEVICE inline Range column_windows(const PoolGeometry& g, int64_t ix) {
  return windows_over(ix, g.kernel_w, g.stride_w, g.pad_w, g.dilation_w, g.out_w);
}

/// 1 / how many positions of the padded input the window of output (oy, ox) covers, or of the
/// input.
template <class T>
HEBB_HOST_DEVICE inline T window_weight(const PoolGeometry& g, int64_t oy, int64_t ox) {
  if (!g.count_include_pad)
    return T(1) / T(window_rows(g, oy).count() * window_columns(g, ox).count());
  const int64_t top = oy * g.stride_h - g.pad_h, left = ox * g.stride_w - g.pad_w;
  const int64_t h = smaller(g.kernel_h, ceil_div(g.height + g.pad_h - top, g.dilation_h));
  const int64_t w = smaller(g.kernel_w, ceil_div(g.width + g.pad_w - left, g.dilation_w));
  return T(1) / T(h * w);
}

template <class T>
struct MaxPoolBody {
  PoolGeometry g;
  int64_t channels;
  const T* x;
  T* y;
  int32_t* argmax;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const PlaneElement out = plane_element(i, channels, g.out_h, g.out_w);
    const T* plane = x + out.plane * g.height * g.width * channels + out.channel;
    const Largest<T> best = largest(g, plane, out.row, out.column, channels);
    y[i] = convert<T>(best.value);
    argmax[i] = int32_t(best.where);
  }
};

// A thread for each element of dx asks the windows over it: no two threads add to one place.
template <class T>
struct MaxPoolBackwardBody {
  PoolGeometry g;
  int64_t channels;
  const T* dy;
  const int32_t* argmax;
  T* dx;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const PlaneElement in = plane_element(i, channels, g.height, g.width);
    const int64_t plane = in.plane * g.out_h * g.out_w;
    const Range rows = row_windows(g, in.row);
    const Range columns = column_windows(g, in.column);
    const int32_t here = int32_t(in.row * g.width + in.column);
    wide_t<T> sum = 0;
    for (int64_t oy = rows.begin; oy < rows.end; ++oy)
      for (int64_t ox = columns.begin; ox < columns.end; ++ox) {
        const int64_t at = (plane + oy * g.out_w + ox) * channels + in.channel;
        if (argmax[at] == here) sum += wide(dy[at]);
      }
    dx[i] = convert<T>(sum);
  }
};

template <class T>
struct AvgPoolBody {
  PoolGeometry g;
  int64_t channels;
  const T* x;
  T* y;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    using Wide = wide_t<T>;
    const PlaneElement out = plane_element(i, channels, g.out_h, g.out_w);
    const T* plane = x + out.plane * g.height * g.width * channels + out.channel;
    const Range rows = window_rows(g, out.row);
    const Range columns = window_columns(g, out.column);
    Wide sum = 0;
    for (int64_t iy = rows.begin; iy < rows.end; iy += rows.step)
      for (int64_t ix = columns.begin; ix < columns.end; ix += columns.step)
        sum += wide(plane[(iy * g.width + ix) * channels]);
    const bool empty = rows.begin >= rows.end || columns.begin >= columns.end;
    y[i] = convert<T>(empty ? Wide(0) : sum * window_weight<Wide>(g, out.row, out.column));
  }
};

template <class T>
struct AvgPoolBackwardBody {
  PoolGeometry g;
  int64_t channels;
  const T* dy;
  T* dx;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const PlaneElement in = plane_element(i, channels, g.height, g.width);
    const T* plane = dy + in.plane * g.out_h * g.out_w * channels + in.channel;
    const Range rows = row_windows(g, in.row);
    const Range columns = column_windows(g, in.column);
    wide_t<T> sum = 0;
    for (int64_t oy = rows.begin; oy < rows.end; ++oy)
      for (int64_t ox = columns.begin; ox < columns.end; ++ox)
        if ((in.row + g.pad_h - oy * g.stride_h) % g.dilation_h == 0 &&
            (in.column + g.pad_w - ox * g.stride_w) % g.dilation_w == 0)
          sum += wide(plane[(oy * g.out_w + ox) * channels]) * window_weight<wide_t<T>>(g, oy, ox);
    dx[i] = convert<T>(sum);
  }
};

}  // namespace

template <Activation T>
void max_pool2d(Stream stream, const PoolGeometry& g, int64_t channels, const T* x, T* y,
                int32_t* argmax) {
  for_each(stream, g.planes * g.out_h * g.out_w * channels,
           MaxPoolBody<T>{g, channels, x, y, argmax});
}

template <Activation T>
void max_pool2d_backward(Stream stream, const PoolGeometry& g, int64_t channels, const T* dy,
                         const int32_t* argmax, T* dx) {
  for_each(stream, g.planes * g.height * g.width * channels,
           MaxPoolBackwardBody<T>{g, channels, dy, argmax, dx});
}

template <Activation T>
void avg_pool2d(Stream stream, const PoolGeometry& g, int64_t channels, const T* x, T* y) {
  for_each(stream, g.planes * g.out_h * g.out_w * channels, AvgPoolBody<T>{g, channels, x, y});
}

template <Activation T>
void avg_pool2d_backward(Stream stream, const PoolGeometry& g, int64_t channels, const T* dy,
                         T* dx) {
  for_each(stream, g.planes * g.height * g.width * channels,
           AvgPoolBackwardBody<T>{g, channels, dy, dx});
}

#define HEBB_INSTANTIATE(T)                                                               \
  template void max_pool2d(Stream, const PoolGeometry&, int64_t, const T*, T*, int32_t*); \
  template void max_pool2d_backward(Stream, const PoolGeometry&, int64_t, const T*,       \
                                    const int32_t*, T*);                                  \
  template void avg_pool2d(Stream, const PoolGeometry&, int64_t, const T*, T*);           \
  template void avg_pool2d_backward(Stream, const PoolGeometry&, int64_t, const T*, T*);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)
HEBB_INSTANTIATE(BFloat16)

}  // namespace hebb::cuda
