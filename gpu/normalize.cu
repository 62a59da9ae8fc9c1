#include "gpu/normalize.hpp"

#include "gpu/fold.hpp"
#include "gpu/launch.hpp"

/// Two kernels for each direction: sums over parts of each channel's samples, then the rest, for
/// which every block puts the parts of its channel together again.
namespace hebb::cuda {
namespace {

/// How a channel's samples are cut, by shape alone.
struct Cut {
  int64_t parts, samples;
};

Cut cut(const NormPlanes& planes) {
  const auto smaller = [](int64_t a, int64_t b) { return a < b ? a : b; };
  const auto larger = [](int64_t a, int64_t b) { return a > b ? a : b; };
  const int64_t wanted = smaller(1024 / larger(1, smaller(1024, planes.channels)),
                                 planes.batch * planes.size / 2048 + 1);
  const int64_t batch = larger(1, planes.batch), parts = smaller(batch, larger(1, wanted));
  const int64_t samples = (batch + parts - 1) / parts;
  return {(batch + samples - 1) / samples, samples};
}

/// The samples of a block's part of its channel.
struct Part {
  int64_t channel, begin, end;

  HEBB_HOST_DEVICE double values(const NormPlanes& planes) const {
    return double((end - begin) * planes.size);
  }
};

HEBB_HOST_DEVICE inline Part part_of(const NormPlanes& planes, const Cut& c, int64_t channel,
                                     int64_t part) {
  const int64_t end = (part + 1) * c.samples;
  return {channel, part * c.samples, end < planes.batch ? end : planes.batch};
}

/// f(where) for a thread's share of a part's elements.
template <class F>
HEBB_HOST_DEVICE inline void for_elements(const NormPlanes& planes, const Part& part,
                                          const Thread& t, F f) {
  if (planes.size == 0) return;
  const int64_t width = planes.size < t.count ? planes.size : t.count, rows = t.count / width;
  const int64_t row = t.index / width;
  if (row >= rows) return;
  for (int64_t n = part.begin + row; n < part.end; n += rows) {
    const int64_t at = (n * planes.channels + part.channel) * planes.size;
    for (int64_t i = t.index % width; i < planes.size; i += width) f(at + i);
  }
}

/// partial [channels, parts, 2]: each part's mean and its sum of squares around that.
template <class T>
struct MomentsBody {
  static constexpr int phases = 5;
  struct Shared {
    Fold<Sum> sum, squares;
  };
  using Local = Nothing;
  BatchNorm<T> norm;
  Cut c;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const Part part = part_of(norm.planes, c, t.block / c.parts, t.block % c.parts);
    const T* x = norm.x;
    if (p == 1) return shared.sum.fold(t);
    if (p == 3) return shared.squares.fold(t);
    double sum = 0;
    if (p == 0) {
      for_elements(norm.planes, part, t, [&](int64_t at) { sum += double(wide(x[at])); });
      return shared.sum.put(t, sum);
    }
    const double mean = shared.sum.total() / part.values(norm.planes);
    if (p == 2) {
      for_elements(norm.planes, part, t, [&](int64_t at) {
        const double centred = double(wide(x[at])) - mean;
        sum += centred * centred;
      });
      return shared.squares.put(t, sum);
    }
    if (t.index > 0) return;
    norm.partial[2 * t.block] = mean;
    norm.partial[2 * t.block + 1] = shared.squares.total();
  }
};

/// Mean and variance of a channel from those of its parts (Chan, Golub and LeVeque 1983).
template <class T>
HEBB_HOST_DEVICE inline Moments moments_of(const BatchNorm<T>& norm, const Cut& c,
                                           int64_t channel) {
  const double* parts = norm.partial + 2 * c.parts * channel;
  const double n = double(norm.planes.batch * norm.planes.size);
  double mean = 0, squares = 0;
  for (int64_t i = 0; i < c.parts; ++i)
    mean += parts[2 * i] * (part_of(norm.planes, c, channel, i).values(norm.planes) / n);
  for (int64_t i = 0; i < c.parts; ++i) {
    const double apart = parts[2 * i] - mean;
    squares +=
        parts[2 * i + 1] + part_of(norm.planes, c, channel, i).values(norm.planes) * apart * apart;
  }
  return {mean, squares / n};
}

template <class T>
struct NormalizeBody {
  static constexpr int phases = 2;
  using Shared = Forward<T>;
  using Local = Nothing;
  BatchNorm<T> norm;
  Cut c;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const int64_t channel = t.block / c.parts;
    if (p == 0) {
      if (t.index == 0) shared = prepare(channel, t.block % c.parts == 0);
      return;
    }
    const Forward<T> forward = shared;
    for_elements(norm.planes, part_of(norm.planes, c, channel, t.block % c.parts), t,
                 [&](int64_t at) {
                   norm.y[at] = forward(norm, norm.x[at], norm.residual ? norm.residual[at] : T{});
                 });
  }

  HEBB_HOST_DEVICE Forward<T> prepare(int64_t channel, bool first) const {
    const Moments m =
        norm.options.training ? moments_of(norm, c, channel) : running_moments(norm, channel);
    const double inverse = inverse_deviation(norm, m);
    if (first) keep(norm, channel, m, inverse);
    return forward_of(norm, channel, m.mean, inverse);
  }
};

template <class T>
HEBB_HOST_DEVICE inline wide_t<T> masked_at(const BatchNormBackward<T>& norm, int64_t at) {
  return masked(norm, norm.dy[at], norm.options.relu ? norm.y[at] : T{});
}

/// partial [channels, parts, 2]: Σ g and Σ g (x - mean).
template <class T>
struct GradientSumsBody {
  static constexpr int phases = 3;
  struct Shared {
    Fold<Sum> sum, product;
  };
  using Local = Nothing;
  BatchNormBackward<T> norm;
  Cut c;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const int64_t channel = t.block / c.parts;
    if (p == 0) {
      const double mean = norm.statistics[channel];
      double sum = 0, product = 0;
      for_elements(norm.planes, part_of(norm.planes, c, channel, t.block % c.parts), t,
                   [&](int64_t at) {
                     const double g = double(masked_at(norm, at));
                     sum += g;
                     product += g * (double(wide(norm.x[at])) - mean);
                   });
      shared.sum.put(t, sum);
      shared.product.put(t, product);
    } else if (p == 1) {
      shared.sum.fold(t);
      shared.product.fold(t);
    } else if (t.index == 0) {
      norm.partial[2 * t.block] = shared.sum.total();
      norm.partial[2 * t.block + 1] = shared.product.total();
    }
  }
};

template <class T>
struct NormalizeBackwardBody {
  static constexpr int phases = 2;
  using Shared = Backward<T>;
  using Local = Nothing;
  BatchNormBackward<T> norm;
  Cut c;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const int64_t channel = t.block / c.parts;
    if (p == 0) {
      if (t.index == 0) shared = prepare(channel, t.block % c.parts == 0);
      return;
    }
    const Backward<T> backward = shared;
    for_elements(norm.planes, part_of(norm.planes, c, channel, t.block % c.parts), t,
                 [&](int64_t at) {
                   const wide_t<T> g = masked_at(norm, at);
                   norm.dx[at] = backward(g, norm.x[at]);
                   if (norm.dresidual) norm.dresidual[at] = convert<T>(g);
                 });
  }

  HEBB_HOST_DEVICE Backward<T> prepare(int64_t channel, bool first) const {
    GradientSums sums = {0, 0};
    for (int64_t i = 0; i < c.parts; ++i) {
      sums.sum += norm.partial[2 * (c.parts * channel + i)];
      sums.product += norm.partial[2 * (c.parts * channel + i) + 1];
    }
    if (first) keep(norm, channel, sums);
    return backward_of(norm, channel, sums);
  }
};

}  // namespace

int64_t norm_scratch(const NormPlanes& planes) {
  return planes.size == 1 ? norm_rows_scratch(planes) : 2 * planes.channels * cut(planes).parts;
}

template <Activation T>
void batch_norm(Stream stream, const BatchNorm<T>& norm) {
  if (norm.planes.size == 1) return batch_norm_rows(stream, norm);
  const Cut c = cut(norm.planes);
  const int64_t blocks = norm.planes.channels * c.parts;
  if (norm.options.training) for_blocks(stream, blocks, block_threads, MomentsBody<T>{norm, c});
  for_blocks(stream, blocks, block_threads, NormalizeBody<T>{norm, c});
}

template <Activation T>
void batch_norm_backward(Stream stream, const BatchNormBackward<T>& norm) {
  if (norm.planes.size == 1) return batch_norm_rows_backward(stream, norm);
  const Cut c = cut(norm.planes);
  const int64_t blocks = norm.planes.channels * c.parts;
  for_blocks(stream, blocks, block_threads, GradientSumsBody<T>{norm, c});
  for_blocks(stream, blocks, block_threads, NormalizeBackwardBody<T>{norm, c});
}

#define HEBB_INSTANTIATE(T)                              \
  template void batch_norm(Stream, const BatchNorm<T>&); \
  template void batch_norm_backward(Stream, const BatchNormBackward<T>&);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)
HEBB_INSTANTIATE(BFloat16)

}  // namespace hebb::cuda
