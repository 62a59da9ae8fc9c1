#pragma once

#include <cstdint>

#include "core/dtype.hpp"
#include "core/geometry.hpp"
#include "core/loop_nest.hpp"
#include "core/options.hpp"
#include "core/random.hpp"

/// The border between the CPU backend, which is compiled once for every machine, and its kernels,
/// which are compiled once for each instruction set. Over it go raw pointers, numbers and structs
/// that are nothing but data: no inline function of one side may end up in the code of the other,
/// because the linker keeps only one copy. The test `symbols` looks at the objects.
namespace hebb::cpu {

/// A number of bfloat16 in memory: it is computed with as float32.
struct Bfloat16 {
  uint16_t bits;
};

/// A matrix as it is stored, row-major with rows `stride` apart, or its transpose.
template <class T>
struct Operand {
  const T* data;
  int64_t stride;
  bool transposed = false;
};

/// C = alpha A B + beta C + biases, with A [m, k], B [k, n] and C [m, n], whose rows are c_stride
/// apart. C is not read when beta is 0.
template <class T>
struct Product {
  int64_t m, n, k;
  Operand<T> a, b;
  T* c;
  int64_t c_stride;
  T alpha = 1, beta = 0;
  const T* row_bias = nullptr;     // [m], added to every element of its row
  const T* column_bias = nullptr;  // [n], added to every element of its column
};

/// The ways to compute a convolution. im2col computes every geometry, in float32 and float64; the
/// others some (conv2d/paths.hpp), in float32 alone. winograd2 and 4 are F(2x2, 3x3) and F(4x4,
/// 3x3), the latter for stride 2 as well; bfloat16's round their factors and multiply in vectors or
/// on tiles.
enum class ConvPath {
  im2col,
  direct,
  pointwise,
  winograd2,
  winograd4,
  bfloat16_vectors,
  bfloat16_tiles
};

/// What multiplies factors that are rounded to bfloat16: AVX512-BF16, AMX, or nothing.
enum class Bfloat16Unit { none, vectors, tiles };

/// BEAN's penalty of one dense layer, for the kernels of bean/forms.hpp.
template <class T>
struct BeanLayer {
  int64_t samples, neurons, targets;  // S, N, M
  const T* h;                         // [S, N]
  const T* weight;                    // [M, N]
  T gamma;
  double factor;  // scale / divisor / (S N²)
  T* dh;          // [S, N], or null
  T* dweight;     // [M, N], or null
};

// The kernels by family, each defined in kernels/<family>.cpp. Results come last and are written,
// not added to, unless said otherwise. What they compute stands in core/backend.hpp.

template <class T>
struct BeanKernels {
  /// The penalty; writes the derivatives that the layer asks for.
  double (*bean)(const BeanLayer<T>& layer, const BeanKernel& options);
};

template <class T>
struct ConvKernels {
  /// The fastest path of those that can compute the geometry and that the policy allows; with a
  /// unit, factors may be rounded to bfloat16.
  ConvPath (*conv2d_path)(ConvPolicy policy, Bfloat16Unit unit, ConvDirection direction,
                          const ConvGeometry& g);
  /// bias [filters] may be null.
  void (*conv2d)(ConvPath path, const ConvGeometry& g, const T* x, const T* weight, const T* bias,
                 T* y);
  void (*conv2d_backward_input)(ConvPath path, const ConvGeometry& g, const T* dy, const T* weight,
                                T* dx);
  /// dbias [filters] may be null.
  void (*conv2d_backward_weight)(ConvPath path, const ConvGeometry& g, const T* x, const T* dy,
                                 T* dweight, T* dbias);
};

template <class T>
struct DropoutKernels {
  void (*dropout)(int64_t n, double p, RandomKey key, const T* x, T* y);
};

template <class T>
struct ElementwiseKernels {
  void (*unary)(Unary op, int64_t n, const T* x, T* y);
  void (*unary_backward)(Unary op, int64_t n, const T* dy, const T* saved, T* dx);
  void (*binary)(Binary op, const BroadcastLoop& loop, const T* a, const T* b, T* y);
  void (*affine)(int64_t n, double scale, double shift, const T* x, T* y);
  void (*add_scaled)(int64_t n, double scale, const T* x, T* y);  ///< y += scale x
};

template <class T>
struct LayoutKernels {
  /// Of x with elements.
  void (*permute)(const PermuteLoop& loop, const T* x, T* y);
  /// Indices in [-extent_x, extent_x), here and below.
  void (*gather)(const GatherLoop& loop, const T* x, const int64_t* index, T* y);
  /// dx has zeros before.
  void (*scatter_add)(const GatherLoop& loop, const T* dy, const int64_t* index, T* dx);
  /// dx[index[i]] += dy[i] for `count` rows of `width` elements.
  void (*scatter_add_rows)(int64_t count, int64_t rows, int64_t width, const T* dy,
                           const int64_t* index, T* dx);
};

template <class T>
struct MatmulKernels {
  void (*matmul)(const Product<T>& product);
  /// B is a weight, transposed, and column_bias its bias.
  void (*linear)(const Product<T>& product);
  /// Either, of factors rounded to bfloat16. Null where the instruction set knows no such unit, or
  /// T is not float32.
  void (*bfloat16)(Bfloat16Unit unit, const Product<T>& product);
};

/// Activations and their gradients are of type E.
template <class T, class E = T>
struct NormalizeKernels {
  /// Writes the channels' mean and 1 / √(variance + epsilon) to statistics [2, channels]. weight,
  /// bias, residual and, when training, running_mean and running_variance may be null.
  void (*batch_norm)(const NormPlanes& planes, const BatchNormOptions& options, const E* x,
                     const T* weight, const T* bias, const E* residual, T* running_mean,
                     T* running_variance, E* y, double* statistics);
  /// weight, y (unless there is a ReLU) and dresidual (unless there are a residual and a ReLU) may
  /// be null.
  void (*batch_norm_backward)(const NormPlanes& planes, const BatchNormOptions& options,
                              const E* dy, const E* x, const T* weight, const E* y,
                              const double* statistics, E* dx, T* dweight, T* dbias, E* dresidual);
};

template <class T>
struct OptimizerKernels {
  /// The buffer may be null when momentum is 0.
  void (*sgd)(int64_t n, T* parameter, const T* grad, T* momentum, const SgdStep& step);
  void (*adam)(int64_t n, T* parameter, const T* grad, T* m, T* v, const AdamStep& step);
  void (*nadam)(int64_t n, T* parameter, const T* grad, T* m, T* v, const NadamStep& step);
  double (*sum_squares)(int64_t n, const T* x);
  void (*scale)(int64_t n, double scale, T* x);  ///< in place
};

template <class T>
struct PoolKernels {
  /// argmax = where the largest of each window stands in its input plane (y * width + x). The
  /// first in row-major order wins a tie; a NaN wins against every number. A window that lies
  /// wholly in the padding gives -infinity and -1.
  void (*max_pool2d)(const PoolGeometry& g, const T* x, T* y, int32_t* argmax);
  /// dx = dy added up at the positions of argmax.
  void (*max_pool2d_backward)(const PoolGeometry& g, const T* dy, const int32_t* argmax, T* dx);
  /// The mean of each window. Padded positions count where asked for, but never what lies behind
  /// the padding.
  void (*avg_pool2d)(const PoolGeometry& g, const T* x, T* y);
  void (*avg_pool2d_backward)(const PoolGeometry& g, const T* dy, T* dx);
};

template <class T>
struct RandomKernels {
  void (*uniform)(int64_t n, double lower, double upper, RandomKey key, T* x);
  void (*normal)(int64_t n, double mean, double stddev, RandomKey key, T* x);
  void (*truncated_normal)(int64_t n, double stddev, double limit, RandomKey key, T* x);
};

template <class T>
struct ReduceKernels {
  void (*reduce)(Reduce op, const ReduceLoop& loop, double divisor, const T* x, T* y);
  /// The loop's a is dy, stretched, and b is x, for whose part sum and mean take dy once more. mean
  /// is over `count` elements.
  void (*reduce_backward)(Reduce op, const BroadcastLoop& loop, int64_t count, const T* dy,
                          const T* x, T* dx);
  /// Over the middle axis of x [outer, n, inner].
  void (*max)(int64_t outer, int64_t n, int64_t inner, bool last, const T* x, T* y,
              int64_t* indices);
  void (*max_backward)(int64_t outer, int64_t n, int64_t inner, const T* dy, const int64_t* indices,
                       T* dx);
};

/// Over rows of `width` elements.
template <class T>
struct SoftmaxKernels {
  void (*softmax)(int64_t rows, int64_t width, const T* x, T* y);
  void (*softmax_backward)(int64_t rows, int64_t width, const T* dy, const T* y, T* dx);
  void (*log_softmax)(int64_t rows, int64_t width, const T* x, T* y);
  void (*log_softmax_backward)(int64_t rows, int64_t width, const T* dy, const T* y, T* dx);
  /// Labels are in [0, width). grad may be null.
  void (*cross_entropy)(int64_t rows, int64_t width, const T* logits, const int64_t* labels,
                        double smoothing, T* loss, T* grad);
  /// The loss, its gradient and the label's weight for each row, zeros where the label is
  /// `ignored`. weight [width] and grad may be null.
  void (*cross_entropy_rows)(int64_t rows, int64_t width, const T* logits, const int64_t* labels,
                             int64_t ignored, const T* weight, double smoothing, T* losses, T* grad,
                             T* label_weights);
  /// weights [rows] and grad may be null.
  void (*cross_entropy_soft)(int64_t rows, int64_t width, const T* logits, const T* targets,
                             const T* weights, T* loss, T* grad);
};

template <class T>
struct Kernels : BeanKernels<T>,
                 ConvKernels<T>,
                 DropoutKernels<T>,
                 ElementwiseKernels<T>,
                 LayoutKernels<T>,
                 MatmulKernels<T>,
                 NormalizeKernels<T>,
                 OptimizerKernels<T>,
                 PoolKernels<T>,
                 RandomKernels<T>,
                 ReduceKernels<T>,
                 SoftmaxKernels<T> {};

/// Kernels of activations in bfloat16 beside parameters of float32: those for which float32 and
/// conversions would take much longer.
struct Bfloat16Kernels : NormalizeKernels<float, Bfloat16> {
  /// im2col, which is none of them, where float32 and conversions are faster.
  ConvPath (*conv2d_path)(ConvPolicy policy, Bfloat16Unit unit, ConvDirection direction,
                          const ConvGeometry& g);
  void (*conv2d)(ConvPath path, const ConvGeometry& g, const Bfloat16* x, const float* weight,
                 const float* bias, Bfloat16* y);
  void (*conv2d_backward_input)(ConvPath path, const ConvGeometry& g, const Bfloat16* dy,
                                const float* weight, Bfloat16* dx);
  void (*conv2d_backward_weight)(ConvPath path, const ConvGeometry& g, const Bfloat16* x,
                                 const Bfloat16* dy, float* dweight, float* dbias);
  void (*add_scaled)(int64_t n, double scale, const Bfloat16* x, Bfloat16* y);  ///< y += scale x
  void (*widen)(int64_t n, const Bfloat16* x, float* y);
  void (*round)(int64_t n, const float* x, Bfloat16* y);
};

/// The kernels of one instruction set, and what multiplies bfloat16; without that, there are no
/// kernels of it.
struct KernelTable {
  Kernels<float> float32;
  Kernels<double> float64;
  Bfloat16Unit unit;
  Bfloat16Kernels bfloat16;
};

}  // namespace hebb::cpu
