// In place of cuDNN: the definition of a convolution for bfloat16, with the channels of a position
// side by side. All else it refuses, so that the kernels of gpu/conv2d.cu run.
#include "gpu/convolutions.hpp"

#include "core/convert.hpp"
#include "gpu/launch.hpp"
#include "tests/gpu/emulation/emulation.hpp"

namespace hebb::cuda {
namespace {

/// use(at of x, at of weight, at of y) for all products.
template <class Use>
void for_each_product(const ConvGeometry& g, Use&& use) {
  for (int64_t n = 0; n < g.batch; ++n)
    for (int64_t oy = 0; oy < g.out_h; ++oy)
      for (int64_t ox = 0; ox < g.out_w; ++ox)
        for (int64_t ky = 0; ky < g.kernel_h; ++ky)
          for (int64_t kx = 0; kx < g.kernel_w; ++kx) {
            const int64_t iy = oy * g.stride_h - g.pad_h + ky * g.dilation_h;
            const int64_t ix = ox * g.stride_w - g.pad_w + kx * g.dilation_w;
            if (iy < 0 || iy >= g.height || ix < 0 || ix >= g.width) continue;
            for (int64_t f = 0; f < g.filters; ++f)
              for (int64_t c = 0; c < g.channels; ++c)
                use(((n * g.height + iy) * g.width + ix) * g.channels + c,
                    ((f * g.kernel_h + ky) * g.kernel_w + kx) * g.channels + c,
                    ((n * g.out_h + oy) * g.out_w + ox) * g.filters + f);
          }
}

void convolve(const Convolution& c) {
  const ConvGeometry& g = c.geometry;
  const int64_t xs = g.batch * g.height * g.width * g.channels;
  const int64_t weights = g.filters * g.kernel_h * g.kernel_w * g.channels;
  const int64_t ys = g.batch * g.out_h * g.out_w * g.filters;
  auto *x = static_cast<BFloat16*>(c.x), *weight = static_cast<BFloat16*>(c.weight),
       *y = static_cast<BFloat16*>(c.y);
  const auto add = [&](BFloat16* to, int64_t n, auto&& product) {
    std::vector<double> sums(static_cast<size_t>(n));
    for_each_product(g, [&](int64_t i, int64_t j, int64_t k) { product(sums.data(), i, j, k); });
    for (int64_t i = 0; i < n; ++i) to[i] = to_bfloat16(float(sums[size_t(i)]));
  };
  switch (c.direction) {
    case ConvDirection::forward:
      return add(y, ys, [&](double* sums, int64_t i, int64_t j, int64_t k) {
        sums[k] += double(to_float(x[i])) * double(to_float(weight[j]));
      });
    case ConvDirection::backward_input:
      return add(x, xs, [&](double* sums, int64_t i, int64_t j, int64_t k) {
        sums[i] += double(to_float(y[k])) * double(to_float(weight[j]));
      });
    case ConvDirection::backward_weight:
      return add(weight, weights, [&](double* sums, int64_t i, int64_t j, int64_t k) {
        sums[j] += double(to_float(x[i])) * double(to_float(y[k]));
      });
  }
}

}  // namespace

struct Convolutions::Plans {
  Stream stream;
};
Convolutions::Convolutions(Stream stream, CachingAllocator&) : plans_(new Plans{stream}) {}
Convolutions::~Convolutions() = default;

bool Convolutions::run(const Convolution& convolution) {
  emulation.precision_of_cudnn = convolution.precision;
  if (engine(convolution).empty()) return false;
  ask(plans_->stream, [=] { convolve(convolution); });
  return true;
}

std::string_view Convolutions::engine(const Convolution& convolution) {
  return convolution.dtype == DType::bfloat16 && emulation.convolutions ? "cudnn-emulated" : "";
}

}  // namespace hebb::cuda
