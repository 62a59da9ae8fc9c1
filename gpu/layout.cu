#include "gpu/complaint.hpp"
#include "gpu/fold.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"
#include "gpu/loop_nest.hpp"

namespace hebb::cuda {
namespace {

template <class Word>
struct CopyRunsBody {
  int64_t run, to_step, from_step;  // in words
  Word* to;
  const Word* from;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t row = i / run, column = i % run;
    to[row * to_step + column] = from[row * from_step + column];
  }
};

/// Matrices [rows, columns] become [columns, rows], a block for each tile: lines of it are read and
/// written by neighbours.
template <class Word>
struct TransposeBody {
  static constexpr int phases = 2, edge = 64;
  struct Shared {
    Word tile[edge][edge + 2];  // lines of 33 banks for words of two bytes
  };
  using Local = Nothing;
  int64_t rows, columns, row_tiles, column_tiles;
  const Word* x;
  Word* y;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const int64_t matrix = t.block / (row_tiles * column_tiles) * rows * columns;
    const int64_t top = t.block / column_tiles % row_tiles * edge;
    const int64_t left = t.block % column_tiles * edge;
    const int in_line = t.index % edge;
    for (int line = t.index / edge; line < edge; line += t.count / edge)
      if (p == 0) {
        if (top + line < rows && left + in_line < columns)
          shared.tile[line][in_line] = x[matrix + (top + line) * columns + left + in_line];
      } else if (left + line < columns && top + in_line < rows) {
        y[matrix + (left + line) * rows + top + in_line] = shared.tile[in_line][line];
      }
  }
};

template <class T>
struct PermuteBody {
  PermuteLoop loop;
  const T* x;
  T* y;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    int64_t at = 0, rest = i;
    for (int axis = 0; axis < loop.rank; ++axis) {
      at += rest % loop.axes[axis].extent * loop.axes[axis].step;
      rest /= loop.axes[axis].extent;
    }
    y[i] = x[at];
  }
};

/// An index that may count from the end; -1 where it is out of range, of which check_range
/// complains.
HEBB_HOST_DEVICE inline int64_t from_front(int64_t index, int64_t extent) {
  if (index < 0) index += extent;
  return index >= 0 && index < extent ? index : -1;
}

template <class T>
struct GatherBody {
  GatherLoop loop;
  const T* x;
  const int64_t* index;
  T* y;
  HEBB_HOST_DEVICE void operator()(int64_t fibre) const {
    const Places at = places(loop.outer, fibre);
    for (int64_t k = 0; k < loop.count; ++k) {
      const int64_t to = at.b + k * loop.step, i = from_front(index[to], loop.extent_x);
      y[to] = i < 0 ? T(0) : x[at.a + i * loop.step_x];
    }
  }
};

// A thread for each fibre: no two add to one place.
template <class T>
struct ScatterAddBody {
  GatherLoop loop;
  const T* dy;
  const int64_t* index;
  T* dx;
  HEBB_HOST_DEVICE void operator()(int64_t fibre) const {
    const Places at = places(loop.outer, fibre);
    for (int64_t k = 0; k < loop.count; ++k) {
      const int64_t from = at.b + k * loop.step, i = from_front(index[from], loop.extent_x);
      if (i >= 0) dx[at.a + i * loop.step_x] += dy[from];
    }
  }
};

template <class Word>
struct GatherRowsBody {
  int64_t rows, width;
  const Word* x;
  const int64_t* index;
  Word* y;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t row = from_front(index[i / width], rows);
    y[i] = row < 0 ? Word(0) : x[row * width + i % width];
  }
};

// A thread for each column, so that a row that occurs twice gets its sum in the order of the
// indices.
template <class T>
struct ScatterAddRowsBody {
  int64_t count, rows, width;
  const T* dy;
  const int64_t* index;
  T* dx;
  HEBB_HOST_DEVICE void operator()(int64_t column) const {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t row = from_front(index[i], rows);
      if (row >= 0) dx[row * width + column] += dy[i * width + column];
    }
  }
};

struct CheckRangeBody {
  static constexpr int phases = 3;
  using Shared = Fold<Smaller>;
  using Local = Nothing;
  int64_t n;
  IndexRange range;
  int64_t place;
  IndexList values;
  Complaint* complaint;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    if (p == 0) {
      int64_t first = n;
      for (int64_t i = n - 1 - t.index; i >= 0; i -= t.count)
        if ((values[i] < range.begin || values[i] >= range.end) && values[i] != range.spared)
          first = i;
      shared.put(t, double(first));
    } else if (p == 1) {
      shared.fold(t);
    } else if (t.index == 0) {
      const int64_t first = int64_t(shared.total());
      if (first == n || complaint->place != Complaint::none) return;
      *complaint = {place, range.begin, range.end, values[first], first};
    }
  }
};

}  // namespace

void copy_runs(Stream stream, int64_t rows, int64_t bytes, void* to, int64_t to_step,
               const void* from, int64_t from_step) {
  const auto aligned = [](const void* p) { return reinterpret_cast<uintptr_t>(p) % 4 == 0; };
  if (aligned(to) && aligned(from) && (bytes | to_step | from_step) % 4 == 0)
    for_each(
        stream, rows * (bytes / 4),
        CopyRunsBody<uint32_t>{bytes / 4, to_step / 4, from_step / 4, static_cast<uint32_t*>(to),
                               static_cast<const uint32_t*>(from)});
  else
    for_each(stream, rows * bytes,
             CopyRunsBody<uint8_t>{bytes, to_step, from_step, static_cast<uint8_t*>(to),
                                   static_cast<const uint8_t*>(from)});
}

template <class Word>
void transpose(Stream stream, int64_t matrices, int64_t rows, int64_t columns, const Word* x,
               Word* y) {
  const auto tiles = [](int64_t n) {
    constexpr int64_t edge = TransposeBody<Word>::edge;
    return (n + edge - 1) / edge;
  };
  for_blocks(stream, matrices * tiles(rows) * tiles(columns), block_threads,
             TransposeBody<Word>{rows, columns, tiles(rows), tiles(columns), x, y});
}

template <Activation T>
void permute(Stream stream, const PermuteLoop& loop, int64_t n, const T* x, T* y) {
  for_each(stream, n, PermuteBody<T>{loop, x, y});
}

template <class T>
void gather_rows(Stream stream, int64_t count, int64_t rows, int64_t width, const T* x,
                 const int64_t* index, T* y) {
  for_each(stream, count * width, GatherRowsBody<T>{rows, width, x, index, y});
}

template <class T>
void gather(Stream stream, const GatherLoop& loop, const T* x, const int64_t* index, T* y) {
  for_each(stream, loop.fibres, GatherBody<T>{loop, x, index, y});
}

template <class T>
void scatter_add(Stream stream, const GatherLoop& loop, const T* dy, const int64_t* index, T* dx) {
  for_each(stream, loop.fibres, ScatterAddBody<T>{loop, dy, index, dx});
}

template <class T>
void scatter_add_rows(Stream stream, int64_t count, int64_t rows, int64_t width, const T* dy,
                      const int64_t* index, T* dx) {
  for_each(stream, width, ScatterAddRowsBody<T>{count, rows, width, dy, index, dx});
}

void check_range(Stream stream, int64_t n, IndexRange range, const IndexList& values, int64_t place,
                 Complaint* complaint) {
  for_blocks(stream, n > 0, block_threads, CheckRangeBody{n, range, place, values, complaint});
}

#define HEBB_INSTANTIATE_WORDS(Word) \
  template void transpose(Stream, int64_t, int64_t, int64_t, const Word*, Word*);
HEBB_INSTANTIATE_WORDS(uint16_t)
HEBB_INSTANTIATE_WORDS(uint32_t)

template void permute(Stream, const PermuteLoop&, int64_t, const BFloat16*, BFloat16*);
#define HEBB_INSTANTIATE(T)                                                                   \
  template void permute(Stream, const PermuteLoop&, int64_t, const T*, T*);                   \
  template void gather(Stream, const GatherLoop&, const T*, const int64_t*, T*);              \
  template void scatter_add(Stream, const GatherLoop&, const T*, const int64_t*, T*);         \
  template void gather_rows(Stream, int64_t, int64_t, int64_t, const T*, const int64_t*, T*); \
  template void scatter_add_rows(Stream, int64_t, int64_t, int64_t, const T*, const int64_t*, T*);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)

}  // namespace hebb::cuda
