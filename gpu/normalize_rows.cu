#include "gpu/launch.hpp"
#include "gpu/normalize.hpp"

/// Batch normalisation of rows, x [batch, channels]: three kernels for each direction. A block sums
/// a run of rows for channels side by side; then the runs' sums are put together; then threads go
/// down the rows, each in one channel.
namespace hebb::cuda {
namespace {

constexpr int across = 32, down = block_threads / across;  // a block's threads

struct Cut {
  int64_t groups, parts, rows;  // of channels; of rows, and how many each has

  HEBB_HOST_DEVICE int64_t blocks() const { return groups * parts; }
  HEBB_HOST_DEVICE int64_t begin(int64_t part) const { return part * rows; }
  HEBB_HOST_DEVICE int64_t end(int64_t part, int64_t batch) const {
    return begin(part + 1) < batch ? begin(part + 1) : batch;
  }
};

/// By shape alone.
Cut cut(const NormPlanes& planes) {
  const auto ceil_div = [](int64_t a, int64_t b) { return (a + b - 1) / b; };
  const auto larger = [](int64_t a, int64_t b) { return a > b ? a : b; };
  Cut c;
  c.groups = ceil_div(planes.channels, across);
  c.rows = larger(8 * down, ceil_div(planes.batch, larger(1, 512 / larger(1, c.groups))));
  c.parts = larger(1, ceil_div(planes.batch, c.rows));
  return c;
}

/// Where a thread works: its channel, which may be none, and which of the block's rows it begins
/// at.
struct Seat {
  int64_t group, part, channel;
  int column, row;

  HEBB_HOST_DEVICE Seat(const Thread& t, const Cut& c)
      : group(t.block % c.groups),
        part(t.block / c.groups),
        channel(group * across + t.index % across),
        column(t.index % across),
        row(t.index / across) {}
};

/// A number of each thread, added up for each channel in the order of the rows: `put` in one phase,
/// `total` in the next.
struct ColumnSums {
  double of_thread[down][across];

  HEBB_HOST_DEVICE void put(const Seat& seat, double x) { of_thread[seat.row][seat.column] = x; }
  HEBB_HOST_DEVICE double total(int column) const {
    double sum = of_thread[0][column];
    for (int row = 1; row < down; ++row) sum += of_thread[row][column];
    return sum;
  }
};

/// partial [parts, channels, 2]: each part's mean and its sum of squares around that.
template <class T>
struct MomentsBody {
  static constexpr int phases = 3;
  struct Shared {
    ColumnSums sum, squares;
  };
  using Local = Nothing;
  BatchNorm<T> norm;
  Cut c;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const Seat seat(t, c);
    const int64_t channels = norm.planes.channels;
    if (seat.channel >= channels) return;
    const int64_t begin = c.begin(seat.part), end = c.end(seat.part, norm.planes.batch);
    const T* x = norm.x + seat.channel;
    double sum = 0;
    if (p == 0) {
      for (int64_t n = begin + seat.row; n < end; n += down) sum += double(wide(x[n * channels]));
      return shared.sum.put(seat, sum);
    }
    const double mean = shared.sum.total(seat.column) / double(end - begin);
    if (p == 1) {
      for (int64_t n = begin + seat.row; n < end; n += down) {
        const double centred = double(wide(x[n * channels])) - mean;
        sum += centred * centred;
      }
      return shared.squares.put(seat, sum);
    }
    if (seat.row > 0) return;
    double* to = norm.partial + 2 * (seat.part * channels + seat.channel);
    to[0] = mean;
    to[1] = shared.squares.total(seat.column);
  }
};

/// The parts of a group of channels put together (Chan, Golub and LeVeque 1983).
template <class T>
struct StatisticsBody {
  static constexpr int phases = 3;
  struct Shared {
    ColumnSums mean, squares;
  };
  using Local = Nothing;
  BatchNorm<T> norm;
  Cut c;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const Seat seat(t, Cut{c.groups, 1, 0});
    const int64_t channels = norm.planes.channels, batch = norm.planes.batch;
    if (seat.channel >= channels) return;
    const int64_t parts = norm.options.training ? c.parts : 0;
    const double* from = norm.partial + 2 * seat.channel;
    double sum = 0;
    if (p == 0) {
      for (int64_t i = seat.row; i < parts; i += down)
        sum += from[2 * i * channels] * (double(c.end(i, batch) - c.begin(i)) / double(batch));
      return shared.mean.put(seat, sum);
    }
    const double mean = shared.mean.total(seat.column);
    if (p == 1) {
      for (int64_t i = seat.row; i < parts; i += down) {
        const double apart = from[2 * i * channels] - mean;
        sum += from[2 * i * channels + 1] + double(c.end(i, batch) - c.begin(i)) * apart * apart;
      }
      return shared.squares.put(seat, sum);
    }
    if (seat.row > 0) return;
    const Moments m = norm.options.training
                          ? Moments{mean, shared.squares.total(seat.column) / double(batch)}
                          : running_moments(norm, seat.channel);
    keep(norm, seat.channel, m, inverse_deviation(norm, m));
  }
};

/// Threads [lines, channels] of which each goes down one channel.
template <class T>
struct NormalizeBody {
  BatchNorm<T> norm;
  int64_t lines;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t channels = norm.planes.channels, channel = i % channels;
    const Forward<T> forward =
        forward_of(norm, channel, norm.statistics[channel], norm.statistics[channels + channel]);
    for (int64_t at = i; at < norm.planes.batch * channels; at += lines * channels)
      forward.write(norm, at);
  }
};

/// partial [parts, channels, 2]: Σ g and Σ g (x - mean).
template <class T>
struct GradientSumsBody {
  static constexpr int phases = 2;
  struct Shared {
    ColumnSums sum, product;
  };
  using Local = Nothing;
  BatchNormBackward<T> norm;
  Cut c;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const Seat seat(t, c);
    const int64_t channels = norm.planes.channels;
    if (seat.channel >= channels) return;
    if (p == 0) {
      const int64_t end = c.end(seat.part, norm.planes.batch);
      const double mean = norm.statistics[seat.channel];
      double sum = 0, product = 0;
      for (int64_t n = c.begin(seat.part) + seat.row; n < end; n += down) {
        const int64_t at = n * channels + seat.channel;
        const double g = double(masked(norm, at));
        sum += g;
        product += g * (double(wide(norm.x[at])) - mean);
      }
      shared.sum.put(seat, sum);
      shared.product.put(seat, product);
    } else if (seat.row == 0) {
      double* to = norm.partial + 2 * (seat.part * channels + seat.channel);
      to[0] = shared.sum.total(seat.column);
      to[1] = shared.product.total(seat.column);
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
    ColumnSums sum, product;
  };
  using Local = Nothing;
  BatchNormBackward<T> norm;
  Cut c;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const Seat seat(t, Cut{c.groups, 1, 0});
    const int64_t channels = norm.planes.channels;
    if (seat.channel >= channels) return;
    if (p == 0) {
      const double* from = norm.partial + 2 * seat.channel;
      double sum = 0, product = 0;
      for (int64_t i = seat.row; i < c.parts; i += down) {
        sum += from[2 * i * channels];
        product += from[2 * i * channels + 1];
      }
      shared.sum.put(seat, sum);
      shared.product.put(seat, product);
    } else if (seat.row == 0) {
      const GradientSums sums = {shared.sum.total(seat.column), shared.product.total(seat.column)};
      keep(norm, seat.channel, sums);
      double* to = totals(norm, c) + 2 * seat.channel;
      to[0] = sums.sum;
      to[1] = sums.product;
    }
  }
};

template <class T>
struct NormalizeBackwardBody {
  BatchNormBackward<T> norm;
  Cut c;
  int64_t lines;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t channels = norm.planes.channels, channel = i % channels;
    const double* sums = totals(norm, c) + 2 * channel;
    const Backward<T> backward = backward_of(norm, channel, {sums[0], sums[1]});
    for (int64_t at = i; at < norm.planes.batch * channels; at += lines * channels)
      backward.write(norm, at);
  }
};

/// So that each thread has some rows to its channel's numbers.
int64_t lines_of(const NormPlanes& planes) { return (planes.batch + 15) / 16; }

}  // namespace

int64_t norm_rows_scratch(const NormPlanes& planes) {
  return 2 * planes.channels * (cut(planes).parts + 1);
}

template <Activation T>
void batch_norm_rows(Stream stream, const BatchNorm<T>& norm) {
  const Cut c = cut(norm.planes);
  const int64_t lines = lines_of(norm.planes);
  if (norm.options.training) for_blocks(stream, c.blocks(), block_threads, MomentsBody<T>{norm, c});
  for_blocks(stream, c.groups, block_threads, StatisticsBody<T>{norm, c});
  for_each(stream, lines * norm.planes.channels, NormalizeBody<T>{norm, lines});
}

template <Activation T>
void batch_norm_rows_backward(Stream stream, const BatchNormBackward<T>& norm) {
  const Cut c = cut(norm.planes);
  const int64_t lines = lines_of(norm.planes);
  for_blocks(stream, c.blocks(), block_threads, GradientSumsBody<T>{norm, c});
  for_blocks(stream, c.groups, block_threads, AddGradientsBody<T>{norm, c});
  for_each(stream, lines * norm.planes.channels, NormalizeBackwardBody<T>{norm, c, lines});
}

#define HEBB_INSTANTIATE(T)                                   \
  template void batch_norm_rows(Stream, const BatchNorm<T>&); \
  template void batch_norm_rows_backward(Stream, const BatchNormBackward<T>&);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)
HEBB_INSTANTIATE(BFloat16)

}  // namespace hebb::cuda
