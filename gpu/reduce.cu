#include <cmath>

#include "gpu/fold.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"
#include "gpu/loop_nest.hpp"

namespace hebb::cuda {
namespace {

int64_t at_most(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t at_least(int64_t a, int64_t b) { return a > b ? a : b; }

HEBB_HOST_DEVICE inline double term(Reduce op, double x) {
  switch (op) {
    case Reduce::sum:
    case Reduce::mean:
      return x;
    case Reduce::sum_abs:
      return x < 0 ? -x : x;
    case Reduce::sum_square:
      return x * x;
  }
  return x;
}

/// How a reduction is cut: `parts` pieces of each result's `count` elements, whose sums are added
/// up in order. By shape alone.
struct Cut {
  int64_t results, count, parts, length;
};

Cut cut(const ReduceLoop& loop) {
  Cut c{};
  if (loop.inner_reduced) {  // a block for each piece
    c.results = loop.kept.count;
    c.count = loop.inner * loop.reduced.count;
    c.parts = at_most((c.count + 4095) / 4096, at_least(1, 1024 / c.results));
  } else {  // a thread for each piece
    c.results = loop.kept.count * loop.inner;
    c.count = loop.reduced.count;
    c.parts = at_most((c.count + 31) / 32, at_least(1, 65536 / c.results));
  }
  c.length = (c.count + c.parts - 1) / c.parts;
  c.parts = (c.count + c.length - 1) / c.length;
  return c;
}

/// Where results go: to y when there is one piece, to `partial` [parts, results] else.
template <class Result>
struct Output {
  double divisor;
  Result* y;
  double* partial;
  HEBB_HOST_DEVICE void write(const Cut& c, int64_t part, int64_t result, double sum) const {
    if (c.parts == 1)
      y[result] = convert<Result>(sum / divisor);
    else
      partial[part * c.results + result] = sum;
  }
};

template <class T, class Result>
struct ReduceRunsBody {
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  Reduce op;
  ReduceLoop loop;
  Cut c;
  const T* x;
  Output<Result> output;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const int64_t result = t.block / c.parts, part = t.block % c.parts;
    if (p == 0) {
      const T* from = x + place(loop.kept, result);
      const int64_t end = part + 1 == c.parts ? c.count : (part + 1) * c.length;
      double sum = 0;
      if (loop.reduced.count == 1)
        for (int64_t i = part * c.length + t.index; i < end; i += t.count)
          sum += term(op, double(wide(from[i])));
      else
        for (int64_t i = part * c.length + t.index; i < end; i += t.count)
          sum += term(op, double(wide(from[place(loop.reduced, i / loop.inner) + i % loop.inner])));
      shared.put(t, sum);
    } else if (p == 1) {
      shared.fold(t);
    } else if (t.index == 0) {
      output.write(c, part, result, shared.total());
    }
  }
};

template <class T, class Result>
struct ReduceColumnsBody {
  Reduce op;
  ReduceLoop loop;
  Cut c;
  const T* x;
  Output<Result> output;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t part = i / c.results, result = i % c.results;
    const T* from = x + place(loop.kept, result / loop.inner) + result % loop.inner;
    const int64_t end = part + 1 == c.parts ? c.count : (part + 1) * c.length;
    double sum = 0;
    for (int64_t r = part * c.length; r < end; ++r)
      sum += term(op, double(wide(from[place(loop.reduced, r)])));
    output.write(c, part, result, sum);
  }
};

template <class Result>
struct AddPartsBody {
  Cut c;
  Output<Result> output;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    double sum = 0;
    for (int64_t part = 0; part < c.parts; ++part) sum += output.partial[part * c.results + i];
    output.y[i] = convert<Result>(sum / output.divisor);
  }
};

template <class T>
struct ReduceBackwardBody {
  Reduce op;
  BroadcastLoop loop;
  T share;
  const T *dy, *x;
  T* dx;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const Places at = places(loop, i);
    const T d = dy[at.a];
    switch (op) {
      case Reduce::sum:
      case Reduce::mean:
        dx[i] = d * share;
        break;
      case Reduce::sum_abs:
        dx[i] = d * sign(x[at.b]);
        break;
      case Reduce::sum_square:
        dx[i] = d * (x[at.b] + x[at.b]);
    }
  }
};

template <class T>
struct MaxBody {
  int64_t n, inner;
  bool last;
  const T* x;
  T* y;
  int64_t* indices;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const T* from = x + i / inner * n * inner + i % inner;
    T best = *from;
    int64_t where = 0;
    for (int64_t k = 1; k < n; ++k) {
      const T value = from[k * inner];
      // Not `greater`: a NaN wins, and nothing wins against it but, where the last does, another.
      if (last ? !(value < best) && (value != value || best == best)
               : !(value <= best) && best == best)
        best = value, where = k;
    }
    y[i] = best;
    indices[i] = where;
  }
};

template <class T>
struct MaxBackwardBody {
  int64_t n, inner;
  const T* dy;
  const int64_t* indices;
  T* dx;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t k = i / inner % n, at = i / inner / n * inner + i % inner;
    dx[i] = indices[at] == k ? dy[at] : T(0);
  }
};

struct CountEqualBody {
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  int64_t n;
  const int64_t *a, *b;
  int64_t* count;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    if (p == 0) {
      double equal = 0;
      for (int64_t i = t.index; i < n; i += t.count) equal += a[i] == b[i];
      shared.put(t, equal);
    } else if (p == 1) {
      shared.fold(t);
    } else if (t.index == 0) {
      *count = int64_t(shared.total());
    }
  }
};

struct AccumulateBody {
  TermList list;
  double* sums;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const TermList::Term& term = list.terms[i];
    if (!term.value) return;
    double x;
    switch (term.dtype) {
      case DType::float32:
        x = double(*static_cast<const float*>(term.value));
        break;
      case DType::int64:
        x = double(*static_cast<const int64_t*>(term.value));
        break;
      default:
        x = *static_cast<const double*>(term.value);
    }
    sums[i] += term.weight * x;
  }
};

}  // namespace

int64_t reduce_scratch(const ReduceLoop& loop) {
  const Cut c = cut(loop);
  return c.parts == 1 ? 0 : c.parts * c.results;
}

template <Activation T, Activation Result>
void reduce(Stream stream, Reduce op, const ReduceLoop& loop, double divisor, const T* x, Result* y,
            double* partial) {
  const Cut c = cut(loop);
  const Output<Result> output{divisor, y, partial};
  if (loop.inner_reduced)
    for_blocks(stream, c.results * c.parts, c.length < 1024 ? 64 : block_threads,
               ReduceRunsBody<T, Result>{op, loop, c, x, output});
  else
    for_each(stream, c.results * c.parts, ReduceColumnsBody<T, Result>{op, loop, c, x, output});
  if (c.parts > 1) for_each(stream, c.results, AddPartsBody<Result>{c, output});
}

template <class T>
void reduce_backward(Stream stream, Reduce op, const BroadcastLoop& loop, int64_t count,
                     const T* dy, const T* x, T* dx) {
  const T share = op == Reduce::mean ? T(1) / T(count) : T(1);
  for_each(stream, loop.rows * loop.axes[0].extent,
           ReduceBackwardBody<T>{op, loop, share, dy, x, dx});
}

template <class T>
void max(Stream stream, int64_t outer, int64_t n, int64_t inner, bool last, const T* x, T* y,
         int64_t* indices) {
  for_each(stream, outer * inner, MaxBody<T>{n, inner, last, x, y, indices});
}

template <class T>
void max_backward(Stream stream, int64_t outer, int64_t n, int64_t inner, const T* dy,
                  const int64_t* indices, T* dx) {
  for_each(stream, outer * n * inner, MaxBackwardBody<T>{n, inner, dy, indices, dx});
}

void count_equal(Stream stream, int64_t n, const int64_t* a, const int64_t* b, int64_t* count) {
  for_blocks(stream, 1, block_threads, CountEqualBody{n, a, b, count});
}

void accumulate(Stream stream, const TermList& list, double* sums) {
  for_each(stream, list.count, AccumulateBody{list, sums});
}

#define HEBB_INSTANTIATE(T)                                                                        \
  template void reduce_backward(Stream, Reduce, const BroadcastLoop&, int64_t, const T*, const T*, \
                                T*);                                                               \
  template void max(Stream, int64_t, int64_t, int64_t, bool, const T*, T*, int64_t*);              \
  template void max_backward(Stream, int64_t, int64_t, int64_t, const T*, const int64_t*, T*);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)

#define HEBB_INSTANTIATE_REDUCE(T, Result) \
  template void reduce(Stream, Reduce, const ReduceLoop&, double, const T*, Result*, double*);
HEBB_INSTANTIATE_REDUCE(float, float)
HEBB_INSTANTIATE_REDUCE(double, double)
HEBB_INSTANTIATE_REDUCE(BFloat16, float)
HEBB_INSTANTIATE_REDUCE(BFloat16, BFloat16)

}  // namespace hebb::cuda
