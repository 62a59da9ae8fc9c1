#include <cmath>

#include "core/optimizer_steps.hpp"
#include "gpu/fold.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"

/// Optimiser updates with the formulas of core/cpu/kernels/optimizers.cpp.
namespace hebb::cuda {
namespace {

/// The last of `count` whose first piece is not after `piece`.
template <class FirstPiece>
HEBB_HOST_DEVICE inline int owner_of(int64_t piece, int count, FirstPiece first_piece) {
  int low = 0, high = count - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (first_piece(middle) <= piece)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

struct WriteRowsBody {
  static constexpr int most = 32;  // kernels' parameters may have 4 KiB
  SlotRow rows[most];
  SlotRow* to;
  HEBB_HOST_DEVICE void operator()(int64_t i) const { to[i] = rows[i]; }
};

/// What a step comes to for a parameter, in its type.
template <class T>
struct SgdFactors {
  T lr, momentum, decay, taken;
  bool buffered, first, nesterov;

  HEBB_HOST_DEVICE static SgdFactors of(const SgdRule& rule, const StepOf& step, double*) {
    const SgdStep s = at_step(rule, step);
    return {T(s.lr),           T(s.momentum), T(s.weight_decay), T(1 - s.dampening),
            s.momentum != 0.0, s.first,       s.nesterov};
  }
  HEBB_HOST_DEVICE void update(const SlotRow& row, int64_t i, T grad) const {
    T* parameter = static_cast<T*>(row.parameter);
    const T p = parameter[i];
    T g = grad + decay * p;
    if (buffered) {
      T* buffer = static_cast<T*>(row.moments[0]);
      const T velocity = first ? g : momentum * buffer[i] + taken * g;
      buffer[i] = velocity;
      g = nesterov ? g + momentum * velocity : velocity;
    }
    parameter[i] = p - lr * g;
  }
};

/// Adam and NAdam: param -= (of_grad g + of_mean m) / (√v scale + epsilon), where of_grad is 0 for
/// Adam.
template <class T>
struct MomentsFactors {
  T keep1, take1, keep2, take2, scale, epsilon, decay, shrink, of_grad, of_mean;

  HEBB_HOST_DEVICE static MomentsFactors of(const AdamStep& s, double of_grad, double of_mean) {
    return {T(s.beta1),
            T(1 - s.beta1),
            T(s.beta2),
            T(1 - s.beta2),
            T(1 / std::sqrt(s.bias_correction2)),
            T(s.epsilon),
            T(s.decoupled ? 0.0 : s.weight_decay),
            T(s.decoupled ? 1.0 - s.lr * s.weight_decay : 1.0),
            T(of_grad),
            T(of_mean)};
  }
  HEBB_HOST_DEVICE static MomentsFactors of(const AdamRule& rule, const StepOf& step, double*) {
    const AdamStep s = at_step(rule, step);
    return of(s, 0, s.lr / s.bias_correction1);
  }
  HEBB_HOST_DEVICE static MomentsFactors of(const NadamRule& rule, const StepOf& step,
                                            double* mu_product) {
    *mu_product *= mu_at(rule, step.number);
    const NadamStep s = at_step(rule, step, *mu_product);
    return of(s.adam, s.adam.lr * (1 - s.mu) / (1 - s.mu_product),
              s.adam.lr * s.mu_next / (1 - s.mu_product * s.mu_next));
  }
  HEBB_HOST_DEVICE void update(const SlotRow& row, int64_t i, T grad) const {
    T* parameter = static_cast<T*>(row.parameter);
    T *m = static_cast<T*>(row.moments[0]), *v = static_cast<T*>(row.moments[1]);
    const T p = parameter[i] * shrink;
    const T g = grad + decay * p;
    const T mean = keep1 * m[i] + take1 * g;
    const T square = keep2 * v[i] + take2 * (g * g);
    m[i] = mean;
    v[i] = square;
    parameter[i] = p - (of_grad * g + of_mean * mean) / (std::sqrt(square) * scale + epsilon);
  }
};

template <class Factors, class Rule>
struct NextStepBody {
  Rule rule;
  SlotTable table;
  const double* lr;
  int64_t* steps;
  Factors* factors;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    if (i == 0 && steps) ++*steps;
    const SlotRow& row = table.rows[i];
    const StepOf step{*lr * row.lr_scale, row.weight_decay_scale, ++*row.steps};
    factors[i] = Factors::of(rule, step, row.mu_product);
  }
};

template <class T, class Factors>
struct UpdateBody {
  static constexpr int phases = 1;
  using Shared = Nothing;
  using Local = Nothing;
  SlotTable table;
  const Factors* factors;
  const double* grad_scale;
  HEBB_HOST_DEVICE void phase(int, const Thread& t, Shared&, Local&) const {
    const int k =
        owner_of(t.block, int(table.count), [&](int i) { return table.rows[i].first_piece; });
    const SlotRow row = table.rows[k];
    const Factors factor = factors[k];
    const T scale = grad_scale ? T(*grad_scale) : T(1);
    const T* grad = static_cast<const T*>(row.grad);
    const int64_t begin = (t.block - row.first_piece) * slot_piece;
    const int64_t end = begin + slot_piece < row.size ? begin + slot_piece : row.size;
    for (int64_t i = begin + t.index; i < end; i += t.count) factor.update(row, i, grad[i] * scale);
  }
};

template <class T, class Factors, class Rule>
void step(Stream stream, const SlotTable& table, const SlotScalars& scalars, const Rule& rule) {
  auto* factors = reinterpret_cast<Factors*>(scalars.scratch);
  for_each(stream, table.count,
           NextStepBody<Factors, Rule>{rule, table, scalars.lr, scalars.steps, factors});
  for_blocks(stream, table.pieces, block_threads,
             UpdateBody<T, Factors>{table, factors, scalars.grad_scale});
}

/// The tensor that a piece belongs to.
template <class T>
HEBB_HOST_DEVICE inline int tensor_of(const TensorList<T>& tensors, int64_t piece) {
  return owner_of(piece, tensors.count, [&](int i) { return tensors.first_piece[i]; });
}

template <class T>
struct SumSquaresBody {
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  TensorList<T> tensors;
  double* sums;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    if (p == 0) {
      const int k = tensor_of(tensors, t.block);
      const int64_t begin = (t.block - tensors.first_piece[k]) * tensors.piece;
      const int64_t left = tensors.size[k] - begin;
      const int64_t n = left < tensors.piece ? left : tensors.piece;
      const T* x = tensors.data[k] + begin;
      double sum = 0;
      for (int64_t i = t.index; i < n; i += t.count) sum += double(x[i]) * double(x[i]);
      shared.put(t, sum);
    } else if (p == 1) {
      shared.fold(t);
    } else if (t.index == 0) {
      sums[t.block] = shared.total();
    }
  }
};

struct ClipScaleBody {
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  int64_t n;
  const double* sums;
  double limit;
  double *norm, *scale;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    if (p == 0) {
      double sum = 0;
      for (int64_t i = t.index; i < n; i += t.count) sum += sums[i];
      shared.put(t, sum);
    } else if (p == 1) {
      shared.fold(t);
    } else if (t.index == 0) {
      *norm = std::sqrt(shared.total());
      const double clip = limit / (*norm + 1e-6);
      *scale = clip >= 1 ? 1 : clip;  // NaN stays NaN
    }
  }
};

template <class T>
struct ScaleAllBody {
  static constexpr int phases = 1;
  using Shared = Nothing;
  using Local = Nothing;
  TensorList<T> tensors;
  const double* scale;
  HEBB_HOST_DEVICE void phase(int, const Thread& t, Shared&, Local&) const {
    if (*scale == 1) return;
    const T factor = T(*scale);
    const int k = tensor_of(tensors, t.block);
    const int64_t begin = (t.block - tensors.first_piece[k]) * tensors.piece;
    const int64_t left = tensors.size[k] - begin;
    const int64_t n = left < tensors.piece ? left : tensors.piece;
    T* x = tensors.data[k] + begin;
    for (int64_t i = t.index; i < n; i += t.count) x[i] *= factor;
  }
};

}  // namespace

void write_rows(Stream stream, const SlotRow* rows, const SlotTable& table) {
  for (int64_t first = 0; first < table.count; first += WriteRowsBody::most) {
    const int64_t left = table.count - first;
    const int64_t n = left < WriteRowsBody::most ? left : WriteRowsBody::most;
    WriteRowsBody body{{}, table.rows + first};
    for (int64_t i = 0; i < n; ++i) body.rows[i] = rows[first + i];
    for_each(stream, n, body);
  }
}

int64_t slot_scratch(int64_t count) {
  static_assert(sizeof(SgdFactors<double>) <= sizeof(MomentsFactors<double>));
  return count * int64_t(sizeof(MomentsFactors<double>) / sizeof(double));
}

template <class T>
void sgd(Stream stream, const SlotTable& table, const SlotScalars& scalars, const SgdRule& rule) {
  step<T, SgdFactors<T>>(stream, table, scalars, rule);
}

template <class T>
void adam(Stream stream, const SlotTable& table, const SlotScalars& scalars, const AdamRule& rule) {
  step<T, MomentsFactors<T>>(stream, table, scalars, rule);
}

template <class T>
void nadam(Stream stream, const SlotTable& table, const SlotScalars& scalars,
           const NadamRule& rule) {
  step<T, MomentsFactors<T>>(stream, table, scalars, rule);
}

template <class T>
void sum_squares(Stream stream, const TensorList<T>& tensors, double* sums) {
  for_blocks(stream, tensors.pieces(), block_threads, SumSquaresBody<T>{tensors, sums});
}

void clip_scale(Stream stream, int64_t n, const double* sums, double limit, double* norm,
                double* scale) {
  for_blocks(stream, 1, block_threads, ClipScaleBody{n, sums, limit, norm, scale});
}

template <class T>
void scale_all(Stream stream, const TensorList<T>& tensors, const double* scale) {
  for_blocks(stream, tensors.pieces(), block_threads, ScaleAllBody<T>{tensors, scale});
}

#define HEBB_INSTANTIATE(T)                                                               \
  template void sgd<T>(Stream, const SlotTable&, const SlotScalars&, const SgdRule&);     \
  template void adam<T>(Stream, const SlotTable&, const SlotScalars&, const AdamRule&);   \
  template void nadam<T>(Stream, const SlotTable&, const SlotScalars&, const NadamRule&); \
  template void sum_squares(Stream, const TensorList<T>&, double*);                       \
  template void scale_all(Stream, const TensorList<T>&, const double*);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)

}  // namespace hebb::cuda
