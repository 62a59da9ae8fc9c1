#include <cstdint>

#include "gpu/launch.hpp"
#include "gpu/normalize.hpp"

/// Batch normalisation of rows, x [batch, channels]: three kernels for each direction. A block sums
/// a run of rows for channels side by side; then the runs' sums are put together; then threads go
/// down the rows. A thread has `n` channels side by side, 1 or 4.
namespace hebb::cuda {
namespace {

/// A block's threads, and its channels.
template <int n>
struct Block {
  static constexpr int across = n == 1 ? 32 : 16, down = block_threads / across;
  static constexpr int channels = n * across;
};

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }

/// By shape alone.
bool by_fours(const NormPlanes& planes) { return planes.channels % 4 == 0; }

/// How rows are cut, by shape alone.
struct Cut {
  int64_t groups, parts, rows;  // of channels; of rows, and how many each has

  explicit Cut(const NormPlanes& planes) {
    const int channels = by_fours(planes) ? Block<4>::channels : Block<1>::channels;
    groups = at_least(1, ceil_div(planes.channels, channels));
    rows = at_least(64, ceil_div(planes.batch, at_least(1, 512 / groups)));
    parts = at_least(1, ceil_div(planes.batch, rows));
  }
  HEBB_HOST_DEVICE int64_t begin(int64_t part) const { return part * rows; }
  HEBB_HOST_DEVICE int64_t end(int64_t part, int64_t batch) const {
    return begin(part + 1) < batch ? begin(part + 1) : batch;
  }
};

/// Where a thread works: its first channel, which may be none, and which of the block's rows it
/// begins at. Blocks are for `groups` of channels, of each part in turn, or for channels alone.
template <int n>
struct Seat {
  int64_t part, channel;
  int column, row;

  HEBB_HOST_DEVICE explicit Seat(const Thread& t, int64_t groups = INT64_MAX)
      : part(t.block / groups),
        column(t.index % Block<n>::across * n),
        row(t.index / Block<n>::across) {
    channel = t.block % groups * Block<n>::channels + column;
  }
};

/// Numbers of each thread, added up for each channel in the order of the rows: `put` in one phase,
/// `total` in the next.
template <int n>
struct ColumnSums {
  double of_thread[Block<n>::down][Block<n>::channels];

  HEBB_HOST_DEVICE void put(const Seat<n>& seat, const double (&x)[n]) {
    for (int k = 0; k < n; ++k) of_thread[seat.row][seat.column + k] = x[k];
  }
  HEBB_HOST_DEVICE double total(int column) const {
    double sum = of_thread[0][column];
    for (int row = 1; row < Block<n>::down; ++row) sum += of_thread[row][column];
    return sum;
  }
};

/// partial [parts, channels, 2]: each part's mean and its sum of squares around that.
template <class T, int n>
struct MomentsBody {
  static constexpr int phases = 4;
  struct Shared {
    ColumnSums<n> sums;
    double mean[Block<n>::channels];
  };
  using Local = Nothing;
  BatchNorm<T> norm;
  Cut c;
  bool aligned;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const Seat<n> seat(t, c.groups);
    const int64_t begin = c.begin(seat.part), end = c.end(seat.part, norm.planes.batch);
    const int column = t.index;  // which a thread adds up
    if (p == 1) {
      if (column < Block<n>::channels)
        shared.mean[column] = shared.sums.total(column) / double(end - begin);
      return;
    }
    const int64_t channels = norm.planes.channels;
    if (p == 3) {
      const int64_t channel = seat.channel - seat.column + column;
      if (column >= Block<n>::channels || channel >= channels) return;
      double* to = norm.partial + 2 * (seat.part * channels + channel);
      to[0] = shared.mean[column];
      to[1] = shared.sums.total(column);
      return;
    }
    if (seat.channel >= channels) return;
    double sum[n] = {}, mean[n];
    for (int k = 0; k < n; ++k) mean[k] = p == 0 ? 0 : shared.mean[seat.column + k];
    for (int64_t row = begin + seat.row; row < end; row += Block<n>::down) {
      const Pack<T, n> x = load<n>(norm.x + row * channels + seat.channel, aligned);
      for (int k = 0; k < n; ++k) {
        const double centred = double(wide(x.of[k])) - mean[k];
        sum[k] += p == 0 ? centred : centred * centred;
      }
    }
    shared.sums.put(seat, sum);
  }
};

/// The parts of a group of channels put together (Chan, Golub and LeVeque 1983).
template <class T>
struct StatisticsBody {
  static constexpr int phases = 3;
  struct Shared {
    ColumnSums<1> mean, squares;
  };
  using Local = Nothing;
  BatchNorm<T> norm;
  Cut c;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const Seat<1> seat(t);
    const int64_t channel = seat.channel, channels = norm.planes.channels;
    const int64_t batch = norm.planes.batch;
    if (channel >= channels) return;
    const int64_t parts = norm.options.training ? c.parts : 0;
    const double* from = norm.partial + 2 * channel;
    double sum[1] = {0};
    if (p == 0) {
      for (int64_t i = seat.row; i < parts; i += Block<1>::down)
        sum[0] += from[2 * i * channels] * (double(c.end(i, batch) - c.begin(i)) / double(batch));
      return shared.mean.put(seat, sum);
    }
    const double mean = shared.mean.total(seat.column);
    if (p == 1) {
      for (int64_t i = seat.row; i < parts; i += Block<1>::down) {
        const double apart = from[2 * i * channels] - mean;
        sum[0] += from[2 * i * channels + 1] + double(c.end(i, batch) - c.begin(i)) * apart * apart;
      }
      return shared.squares.put(seat, sum);
    }
    if (seat.row > 0) return;
    const Moments m = norm.options.training
                          ? Moments{mean, shared.squares.total(seat.column) / double(batch)}
                          : running_moments(norm, channel);
    keep(norm, channel, m, inverse_deviation(norm, m));
  }
};

/// Threads [lines, channels / n] of which each goes down its channels.
template <class T, int n>
struct NormalizeBody {
  BatchNorm<T> norm;
  int64_t lines;
  bool aligned;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t channels = norm.planes.channels, first = i * n % channels;
    Forward<T> forward[n];
    for (int k = 0; k < n; ++k)
      forward[k] = forward_of(norm, first + k, norm.statistics[first + k],
                              norm.statistics[channels + first + k]);
    for (int64_t at = i * n; at < norm.planes.batch * channels; at += lines * channels) {
      const Pack<T, n> x = load<n>(norm.x + at, aligned);
      Pack<T, n> residual = {}, y;
      if (norm.residual) residual = load<n>(norm.residual + at, aligned);
      for (int k = 0; k < n; ++k) y.of[k] = forward[k](norm, x.of[k], residual.of[k]);
      store<n>(y, norm.y + at, aligned);
    }
  }
};

/// What comes from above at n elements, through the ReLU, and x there.
template <class T, int n>
struct Upstream {
  wide_t<T> g[n];
  Pack<T, n> x;

  HEBB_HOST_DEVICE Upstream(const BatchNormBackward<T>& norm, int64_t at, bool aligned)
      : x(load<n>(norm.x + at, aligned)) {
    const Pack<T, n> dy = load<n>(norm.dy + at, aligned);
    Pack<T, n> y = {};
    if (norm.options.relu) y = load<n>(norm.y + at, aligned);
    for (int k = 0; k < n; ++k) g[k] = masked(norm, dy.of[k], y.of[k]);
  }
};

/// partial [parts, channels, 2]: Σ g and Σ g (x - mean).
template <class T, int n>
struct GradientSumsBody {
  static constexpr int phases = 2;
  struct Shared {
    ColumnSums<n> sum, product;
  };
  using Local = Nothing;
  BatchNormBackward<T> norm;
  Cut c;
  bool aligned;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const Seat<n> seat(t, c.groups);
    const int64_t channels = norm.planes.channels;
    if (p == 0) {
      if (seat.channel >= channels) return;
      const int64_t end = c.end(seat.part, norm.planes.batch);
      double sum[n] = {}, product[n] = {};
      for (int64_t row = c.begin(seat.part) + seat.row; row < end; row += Block<n>::down) {
        const Upstream<T, n> from(norm, row * channels + seat.channel, aligned);
        for (int k = 0; k < n; ++k) {
          const double g = double(from.g[k]);
          sum[k] += g;
          product[k] += g * (double(wide(from.x.of[k])) - norm.statistics[seat.channel + k]);
        }
      }
      shared.sum.put(seat, sum);
      shared.product.put(seat, product);
    } else {
      const int column = t.index;
      const int64_t channel = seat.channel - seat.column + column;
      if (column >= Block<n>::channels || channel >= channels) return;
      double* to = norm.partial + 2 * (seat.part * channels + channel);
      to[0] = shared.sum.total(column);
      to[1] = shared.product.total(column);
    }
  }
};

/// Behind the parts' sums in `partial`: those of all parts, [channels, 2].
template <class T>
HEBB_HOST_DEVICE inline double* totals(const BatchNormBackward<T>& norm, const Cut& c) {
  return norm.partial + 2 * c.parts * norm.planes.channels;
}

template <class T>
struct AddGradientsBody {
  static constexpr int phases = 2;
  struct Shared {
    ColumnSums<1> sum, product;
  };
  using Local = Nothing;
  BatchNormBackward<T> norm;
  Cut c;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const Seat<1> seat(t);
    const int64_t channel = seat.channel, channels = norm.planes.channels;
    if (channel >= channels) return;
    if (p == 0) {
      const double* from = norm.partial + 2 * channel;
      double sum[1] = {0}, product[1] = {0};
      for (int64_t i = seat.row; i < c.parts; i += Block<1>::down) {
        sum[0] += from[2 * i * channels];
        product[0] += from[2 * i * channels + 1];
      }
      shared.sum.put(seat, sum);
      shared.product.put(seat, product);
    } else if (seat.row == 0) {
      const GradientSums sums = {shared.sum.total(seat.column), shared.product.total(seat.column)};
      keep(norm, channel, sums);
      double* to = totals(norm, c) + 2 * channel;
      to[0] = sums.sum;
      to[1] = sums.product;
    }
  }
};

template <class T, int n>
struct NormalizeBackwardBody {
  BatchNormBackward<T> norm;
  Cut c;
  int64_t lines;
  bool aligned;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t channels = norm.planes.channels, first = i * n % channels;
    const double* sums = totals(norm, c) + 2 * first;
    Backward<T> backward[n];
    for (int k = 0; k < n; ++k)
      backward[k] = backward_of(norm, first + k, {sums[2 * k], sums[2 * k + 1]});
    for (int64_t at = i * n; at < norm.planes.batch * channels; at += lines * channels) {
      const Upstream<T, n> from(norm, at, aligned);
      Pack<T, n> dx, dresidual;
      for (int k = 0; k < n; ++k) {
        dx.of[k] = backward[k](from.g[k], from.x.of[k]);
        dresidual.of[k] = convert<T>(from.g[k]);
      }
      store<n>(dx, norm.dx + at, aligned);
      if (norm.dresidual) store<n>(dresidual, norm.dresidual + at, aligned);
    }
  }
};

/// So that each thread has some rows to its channels' numbers, where there is enough for all.
template <int n>
int64_t lines_of(const NormPlanes& planes) {
  const int64_t enough = ceil_div(65536 * n, at_least(1, planes.channels));
  return at_least(ceil_div(planes.batch, 16), enough < planes.batch ? enough : planes.batch);
}

template <int n, class... T>
bool are_aligned(const T*... x) {
  return ((reinterpret_cast<uintptr_t>(x) % sizeof(Pack<T, n>) == 0) && ...);
}

template <int n, class T>
void forward(Stream stream, const BatchNorm<T>& norm) {
  const Cut c(norm.planes);
  const bool aligned = are_aligned<n>(norm.x, norm.residual, norm.y);
  const int64_t lines = lines_of<n>(norm.planes), channels = norm.planes.channels;
  if (norm.options.training)
    for_blocks(stream, c.groups * c.parts, block_threads, MomentsBody<T, n>{norm, c, aligned});
  for_blocks(stream, ceil_div(channels, Block<1>::channels), block_threads,
             StatisticsBody<T>{norm, c});
  for_each(stream, lines * (channels / n), NormalizeBody<T, n>{norm, lines, aligned});
}

template <int n, class T>
void backward(Stream stream, const BatchNormBackward<T>& norm) {
  const Cut c(norm.planes);
  const bool aligned = are_aligned<n>(norm.x, norm.dy, norm.y, norm.dx, norm.dresidual);
  const int64_t lines = lines_of<n>(norm.planes), channels = norm.planes.channels;
  for_blocks(stream, c.groups * c.parts, block_threads, GradientSumsBody<T, n>{norm, c, aligned});
  for_blocks(stream, ceil_div(channels, Block<1>::channels), block_threads,
             AddGradientsBody<T>{norm, c});
  for_each(stream, lines * (channels / n), NormalizeBackwardBody<T, n>{norm, c, lines, aligned});
}

}  // namespace

int64_t norm_rows_scratch(const NormPlanes& planes) {
  return 2 * planes.channels * (Cut(planes).parts + 1);
}

template <Activation T>
void batch_norm_rows(Stream stream, const BatchNorm<T>& norm) {
  by_fours(norm.planes) ? forward<4>(stream, norm) : forward<1>(stream, norm);
}

template <Activation T>
void batch_norm_rows_backward(Stream stream, const BatchNormBackward<T>& norm) {
  by_fours(norm.planes) ? backward<4>(stream, norm) : backward<1>(stream, norm);
}

#define HEBB_INSTANTIATE(T)                                   \
  template void batch_norm_rows(Stream, const BatchNorm<T>&); \
  template void batch_norm_rows_backward(Stream, const BatchNormBackward<T>&);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)
HEBB_INSTANTIATE(BFloat16)

}  // namespace hebb::cuda
