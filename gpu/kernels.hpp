#pragma once

#include <cstdint>

#include "core/api.hpp"
#include "core/convert.hpp"
#include "core/dtype.hpp"
#include "core/geometry.hpp"
#include "core/image_math.hpp"
#include "core/loop_nest.hpp"
#include "core/options.hpp"
#include "core/random.hpp"
#include "gpu/complaint.hpp"
#include "gpu/element.hpp"
#include "gpu/stream.hpp"

/// The border between the CUDA backend, which is C++ like the rest, and its kernels, which nvcc
/// compiles: raw addresses on the stream's device and plain structs, each function a launch or a
/// few. Defined in <family>.cu for float and double; those whose template is of an `Activation`,
/// for BFloat16 too, beside parameters and statistics of wide_t<T>. What they compute stands in
/// core/backend.hpp; results come last and are written, not added to, unless said otherwise.
namespace hebb::cuda {

template <class T>
concept Activation =
    std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, BFloat16>;

// memory.cu
void advance(Stream stream, int64_t n, int64_t by, int64_t* counts);
void fill(Stream stream, int64_t n, int size, uint64_t bits, void* x);
void cast(Stream stream, int64_t n, DType from_type, const void* from, DType to_type, void* to);

/// Whole numbers in device memory: those at `values` or, where there is a cursor, those of `count`
/// from place *cursor on. Behind the last they are -1.
struct IndexList {
  const int64_t* values;
  const int64_t* cursor = nullptr;
  int64_t count = 0;

  HEBB_HOST_DEVICE int64_t operator[](int64_t i) const {
    if (!cursor) return values[i];
    const int64_t at = *cursor + i;
    return at >= 0 && at < count ? values[at] : -1;
  }
};

// images.cu
/// Samples `indices` [batch] of images [samples, extents] and labels [samples]. Indices out of
/// range give zeros. With a cursor, the key's seed and stream stand behind the place there.
struct BatchOfImages {
  int64_t samples, batch;
  ImageExtents extents;
  ImageSteps steps;
  RandomKey key;
  const uint8_t* images;
  const int64_t* labels;
  IndexList indices;
  float* to_images;
  int64_t* to_labels;
};
void make_batch(Stream stream, const BatchOfImages& batch);

// random.cu
template <class T>
void uniform(Stream stream, int64_t n, double lower, double upper, RandomKey key, T* x);
template <class T>
void normal(Stream stream, int64_t n, double mean, double stddev, RandomKey key, T* x);
template <class T>
void truncated_normal(Stream stream, int64_t n, double stddev, double limit, RandomKey key, T* x);
/// Masks of dropout as a kernel has them among its parameters, which may have 4 KiB.
struct MaskList {
  static constexpr int64_t most = 64;
  int64_t count = 0;
  struct Mask {
    double scale;        // 1 / (1 - p)
    uint32_t threshold;  // u >= p for u = (word >> 8) / 2^24, in whole numbers
    RandomKey key;
  } masks[most];

  void add(double p, const RandomKey& key);
};
/// Of parts [count, n], each with its mask.
template <Activation T>
void dropout(Stream stream, int64_t n, const MaskList& list, const T* x, T* y);

// elementwise.cu
template <Activation T>
void unary(Stream stream, Unary op, int64_t n, const T* x, T* y);
template <Activation T>
void unary_backward(Stream stream, Unary op, int64_t n, const T* dy, const T* saved, T* dx);
template <Activation T>
void binary(Stream stream, Binary op, const BroadcastLoop& loop, const T* a, const T* b, T* y);
template <Activation T>
void affine(Stream stream, int64_t n, double scale, double shift, const T* x, T* y);
template <Activation T>
HEBB_API void add_scaled(Stream stream, int64_t n, double scale, const T* x, T* y);
/// y = x times the one that is not null of two lists of scalars on the device, of which each has
/// `part` elements.
template <class T>
void scale_by(Stream stream, int64_t n, int64_t part, const float* narrow, const double* wide,
              const T* x, T* y);

// reduce.cu
/// How many numbers `partial` has to hold.
int64_t reduce_scratch(const ReduceLoop& loop);
template <Activation T, Activation Result>
void reduce(Stream stream, Reduce op, const ReduceLoop& loop, double divisor, const T* x, Result* y,
            double* partial);
/// The loop's a is dy, stretched, and b is x.
template <class T>
void reduce_backward(Stream stream, Reduce op, const BroadcastLoop& loop, int64_t count,
                     const T* dy, const T* x, T* dx);
/// Over the middle axis of x [outer, n, inner].
template <class T>
void max(Stream stream, int64_t outer, int64_t n, int64_t inner, bool last, const T* x, T* y,
         int64_t* indices);
template <class T>
void max_backward(Stream stream, int64_t outer, int64_t n, int64_t inner, const T* dy,
                  const int64_t* indices, T* dx);
void count_equal(Stream stream, int64_t n, const int64_t* a, const int64_t* b, int64_t* count);
struct TermList {
  static constexpr size_t most = 32;
  struct Term {
    const void* value;  // of float32, float64 or int64; may be null
    DType dtype;
    double weight;
  };
  int64_t count = 0;
  Term terms[most];
};
/// sums[i] += weight value of term i
void accumulate(Stream stream, const TermList& terms, double* sums);

// conv2d.cu: every geometry, slowly, for what cuDNN refuses
template <class T>
void conv2d(Stream stream, const ConvGeometry& g, const T* x, const T* weight, T* y);
template <class T>
void conv2d_backward_input(Stream stream, const ConvGeometry& g, const T* dy, const T* weight,
                           T* dx);
template <class T>
void conv2d_backward_weight(Stream stream, const ConvGeometry& g, const T* x, const T* dy,
                            T* dweight);
/// y [replicas, outer, channels, inner] += bias [replicas, channels]
struct BiasShape {
  int64_t replicas = 1, outer, channels, inner = 1;
};
template <Activation T>
void add_bias(Stream stream, const BiasShape& shape, const wide_t<T>* bias, T* y);

// conv2d_direct.cu, conv2d_direct_weight.cu: small images of few channels, as in LeNet-5
/// Whether these kernels compute a geometry in T, rather than cuDNN: by shape alone. What follows
/// is for geometries where it is true, and for as many replicas of them as there are.
template <class T>
bool conv2d_is_direct(ConvDirection direction, const ConvGeometry& g);
/// bias may be null.
template <Activation T>
void conv2d_direct(Stream stream, int64_t replicas, const ConvGeometry& g, const T* x,
                   const wide_t<T>* weight, const wide_t<T>* bias, T* y);
/// What backward passes read, the gradient of a convolution's output: as it lies in memory, or that
/// of what a pooling made of it, through a ReLU where `values` is not null.
template <class T>
struct OutputGradient {
  const T* dy;
  const int32_t* argmax = nullptr;  // null: dy is of the output itself
  const T* values = nullptr;        // of the pooling
  int kernel_h = 1, kernel_w = 1, out_h = 0, out_w = 0;
};
template <Activation T>
void conv2d_direct_backward_input(Stream stream, int64_t replicas, const ConvGeometry& g,
                                  const OutputGradient<T>& dy, const wide_t<T>* weight, T* dx);
/// How many numbers `partial` has to hold for each replica.
template <class T>
int64_t conv2d_direct_scratch(const ConvGeometry& g);
/// dbias may be null.
template <Activation T>
void conv2d_direct_backward_weight(Stream stream, int64_t replicas, const ConvGeometry& g,
                                   const T* x, const OutputGradient<T>& dy, double* partial,
                                   wide_t<T>* dweight, wide_t<T>* dbias);
/// Whether a block has room for what an image's convolution gives, so that it can pool it.
template <class T>
bool conv2d_direct_pools(const ConvGeometry& g);
/// Max-pooling of a convolution, and a ReLU where asked for. bias may be null.
template <Activation T>
void conv2d_direct_max_pool(Stream stream, int64_t replicas, const ConvGeometry& g,
                            const PoolGeometry& pool, bool relu, const T* x,
                            const wide_t<T>* weight, const wide_t<T>* bias, T* y, int32_t* argmax);

// conv2d_weight.cu
/// weight [filters, channels, positions], rounded, as [filters, positions, channels].
struct ConvWeight {
  int64_t filters, channels, positions;
};
void narrow_weight(Stream stream, const ConvWeight& shape, const float* weight, BFloat16* narrow);
/// The same back.
void widen_weight(Stream stream, const ConvWeight& shape, const BFloat16* narrow, float* weight);

// pool2d.cu, with ties, NaN and padding as in core/cpu/kernels.hpp: planes with one number at each
// position or, where channels lie side by side, as many as there are
template <Activation T>
void max_pool2d(Stream stream, const PoolGeometry& g, int64_t channels, const T* x, T* y,
                int32_t* argmax);
template <Activation T>
void max_pool2d_backward(Stream stream, const PoolGeometry& g, int64_t channels, const T* dy,
                         const int32_t* argmax, T* dx);
template <Activation T>
void avg_pool2d(Stream stream, const PoolGeometry& g, int64_t channels, const T* x, T* y);
template <Activation T>
void avg_pool2d_backward(Stream stream, const PoolGeometry& g, int64_t channels, const T* dy,
                         T* dx);

// normalize.cu and, for planes of one position, as images with channels last are, normalize_rows.cu
/// How many numbers `partial` has to hold, forward and backward.
int64_t norm_scratch(const NormPlanes& planes);
/// statistics [2, channels]: the mean and 1 / √(variance + epsilon). weight, bias, residual and,
/// when training, running_mean and running_variance may be null.
template <Activation T>
struct BatchNorm {
  NormPlanes planes;
  BatchNormOptions options;
  const T *x, *residual;
  const wide_t<T>* weight;
  const wide_t<T>* bias;
  wide_t<T>* running_mean;
  wide_t<T>* running_variance;
  double* partial;
  T* y;
  double* statistics;
};
template <Activation T>
void batch_norm(Stream stream, const BatchNorm<T>& norm);
/// weight, y (unless there is a ReLU) and dresidual may be null.
template <Activation T>
struct BatchNormBackward {
  NormPlanes planes;
  BatchNormOptions options;
  const T *dy, *x, *y;
  const wide_t<T>* weight;
  const double* statistics;
  double* partial;
  T *dx, *dresidual;
  wide_t<T>* dweight;
  wide_t<T>* dbias;
};
template <Activation T>
void batch_norm_backward(Stream stream, const BatchNormBackward<T>& norm);

// softmax.cu, over rows of `width` elements; of the logarithm where `log`
template <class T>
void softmax(Stream stream, bool log, int64_t rows, int64_t width, const T* x, T* y);
template <class T>
void softmax_backward(Stream stream, bool log, int64_t rows, int64_t width, const T* dy, const T* y,
                      T* dx);
/// Against targets [rows, width] or labels [rows]; the other is null, and weights [rows] of rows,
/// class_weights [width] and grad may be. Labels out of range count nothing.
template <class T>
struct CrossEntropy {
  int64_t rows, width;
  const T *logits, *targets;
  const int64_t* labels;
  int64_t ignored = -1;  // label
  const T *weights = nullptr, *class_weights = nullptr;
  double smoothing = 0;
  T* grad;
};
/// The means of as many equal runs of rows as there are replicas; `losses` [rows] is scratch.
template <class T>
void cross_entropy(Stream stream, int64_t replicas, const CrossEntropy<T>& c, double* losses,
                   T* loss);
/// Each row's loss and its label's weight.
template <class T>
void cross_entropy_rows(Stream stream, const CrossEntropy<T>& c, T* losses, T* label_weights);

// layout.cu
/// `rows` runs of `bytes`, from and to places that are steps of bytes apart.
void copy_runs(Stream stream, int64_t rows, int64_t bytes, void* to, int64_t to_step,
               const void* from, int64_t from_step);
/// Matrices x [matrices, rows, columns] as y [matrices, columns, rows]; of uint16_t and uint32_t.
template <class Word>
void transpose(Stream stream, int64_t matrices, int64_t rows, int64_t columns, const Word* x,
               Word* y);
template <Activation T>
void permute(Stream stream, const PermuteLoop& loop, int64_t n, const T* x, T* y);
template <class T>
void gather_rows(Stream stream, int64_t count, int64_t rows, int64_t width, const T* x,
                 const int64_t* index, T* y);
/// dx [rows, width] has zeros before.
template <class T>
void scatter_add_rows(Stream stream, int64_t count, int64_t rows, int64_t width, const T* dy,
                      const int64_t* index, T* dx);
template <class T>
void gather(Stream stream, const GatherLoop& loop, const T* x, const int64_t* index, T* y);
/// dx has zeros before.
template <class T>
void scatter_add(Stream stream, const GatherLoop& loop, const T* dy, const int64_t* index, T* dx);
/// What indices and labels may be: in [begin, end), or `spared`.
struct IndexRange {
  int64_t begin = 0, end, spared = 0;
};
/// Complains about the first of `values` that is out of range.
void check_range(Stream stream, int64_t n, IndexRange range, const IndexList& values, int64_t place,
                 Complaint* complaint);

// optimizers.cu, in place
/// A parameter that a step changes.
struct SlotRow {
  void *parameter, *grad, *moments[2];
  int64_t* steps;
  double *mu_product, lr_scale, weight_decay_scale;
  int64_t size, first_piece;  // of `slot_piece` elements, among those of all parameters
  friend bool operator==(const SlotRow&, const SlotRow&) = default;
};
inline constexpr int64_t slot_piece = 2048;
struct SlotTable {
  SlotRow* rows;  // in device memory
  int64_t count, pieces;
};
/// By kernels that have the rows among their parameters, so that nothing waits.
void write_rows(Stream stream, const SlotRow* rows, const SlotTable& table);
/// Of all parameters in a launch, after one that counts steps and writes what they come to into
/// `scratch`, of slot_scratch(count) numbers. grad_scale may be null.
struct SlotScalars {
  const double *lr, *grad_scale;
  int64_t* steps;  // may be null
  double* scratch;
};
int64_t slot_scratch(int64_t count);
template <class T>
void sgd(Stream stream, const SlotTable& table, const SlotScalars& scalars, const SgdRule& rule);
template <class T>
void adam(Stream stream, const SlotTable& table, const SlotScalars& scalars, const AdamRule& rule);
template <class T>
void nadam(Stream stream, const SlotTable& table, const SlotScalars& scalars,
           const NadamRule& rule);
/// Some tensors, for kernels that go over all of them.
template <class T>
struct TensorList {
  static constexpr int most = 64;
  int count = 0;
  T* data[most];
  int64_t size[most];
  int64_t first_piece[most + 1] = {0};  // of `piece` elements, among those of all tensors
  static constexpr int64_t piece = 16384;

  void add(T* x, int64_t n) {
    data[count] = x;
    size[count] = n;
    first_piece[count + 1] = first_piece[count] + (n + piece - 1) / piece;
    ++count;
  }
  int64_t pieces() const { return first_piece[count]; }
};
/// The sum of squares of each piece.
template <class T>
void sum_squares(Stream stream, const TensorList<T>& tensors, double* sums);
/// norm = √Σ sums, and scale = limit / (norm + 1e-6), at most 1.
void clip_scale(Stream stream, int64_t n, const double* sums, double limit, double* norm,
                double* scale);
template <class T>
void scale_all(Stream stream, const TensorList<T>& tensors, const double* scale);

// bean.cu
/// BEAN's penalty of one dense layer with h [samples, neurons] and weight [targets, neurons], or of
/// replicas, which everything here then has in front.
struct BeanShape {
  int64_t replicas, samples, neurons, targets;
  double gamma;
  double factor;         // scale / divisor / (S N²)
  const double* scales;  // in device memory, of replicas each its own: their factors are
  double per_scale;      // scales[r] per_scale; may be null

  HEBB_HOST_DEVICE double factor_of(int64_t replica) const {
    return scales ? scales[replica] * per_scale : factor;
  }
};
/// f = |tanh(gamma weight)|
template <class T>
void bean_strength(Stream stream, const BeanShape& shape, const T* weight, T* f);
/// dweight = 2 order gamma factor df sign(weight) (1 - f²)
template <class T>
void bean_weight_gradient(Stream stream, const BeanShape& shape, int order, const T* weight,
                          const T* f, const T* df, T* dweight);
/// Order 1 and squares: each target pulls its neurons to their weighted mean. `scratch` holds
/// bean_spread_scratch(shape) numbers; dh and df [targets, neurons] may be null.
int64_t bean_spread_scratch(const BeanShape& shape);
template <class T>
void bean_spread(Stream stream, const BeanShape& shape, const T* h, const T* f, double* scratch,
                 T* value, T* dh, T* df);
/// Any order and divergence, by pairs of neurons: k [neurons, neurons] = Fᵀ F, which becomes the
/// value's derivative to it. `scratch` holds bean_pairs_scratch(shape) numbers.
int64_t bean_pairs_scratch(const BeanShape& shape);
template <class T>
void bean_pairs(Stream stream, const BeanShape& shape, int order, Divergence divergence, const T* h,
                T* k, double* scratch, T* value, T* dh);

}  // namespace hebb::cuda
