#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/api.hpp"
#include "core/random.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// variance · exp(-‖x - y‖² / (2 length_scale²))
struct RbfKernel {
  double variance = 1;
  double length_scale = 1;
};

struct GaussianProcessOptions {
  /// Where the search for kernel parameters begins: one member of the ensemble for each.
  std::vector<RbfKernel> starts = {{}};
  /// How often the marginal likelihood may be evaluated for each member; 0 keeps the starts.
  int64_t evaluations = 60;
  /// The search looks at this many rows at most, spread evenly over x: its time grows with their
  /// cube.
  int64_t search_rows = 1000;
  /// Kernel parameters stay in these ranges.
  double min_variance = 1e-3, max_variance = 1e5;
  double min_length_scale = 1e-3, max_length_scale = 1e3;
};

/// Multi-class classification by Gaussian processes with a softmax likelihood and Laplace's
/// approximation of the posterior (Rasmussen and Williams, Gaussian Processes for Machine
/// Learning, 2006, Algorithms 3.3 and 3.4; to their marginal likelihood belongs the term
/// -½ log |Σ_c E_c| too). All classes share one RBF kernel, whose parameters maximise the marginal
/// likelihood by Nelder and Mead's search over their logarithms, which needs no derivatives.
class GaussianProcessClassifier {
 public:
  /// Learns from x float [N, D] (or [N, ...], flattened) with labels int64 [N] in [0, classes).
  /// ShapeError, ValueError for arguments that do not fit or are out of range.
  GaussianProcessClassifier(const Tensor& x, const Tensor& labels, int64_t classes,
                            const GaussianProcessOptions& options = {});
  ~GaussianProcessClassifier();
  GaussianProcessClassifier(GaussianProcessClassifier&&) noexcept;
  GaussianProcessClassifier& operator=(GaussianProcessClassifier&&) noexcept;

  struct Member {
    RbfKernel kernel;
    double log_marginal_likelihood;  ///< Laplace's approximation.
  };
  std::vector<Member> members() const;

  /// Softmax of the latent means, averaged over the members: [S, classes] for x [S, D], in x's
  /// type. Differentiable in x.
  Tensor probabilities(const Tensor& x) const;

  struct Prediction {
    Tensor probabilities;  ///< float64 [S, classes]
    Tensor deviation;      ///< float64 [S], see below.
  };
  /// Algorithm 3.4: the softmax averaged over the latent posterior by `samples` random numbers for
  /// each point and member; with 0 samples that of the latent means. `deviation` is the posterior
  /// standard deviation of the latent functions: the root of the variance's mean over classes and
  /// members.
  Prediction predict(const Tensor& x, int64_t samples = 0,
                     Generator generator = Generator(0)) const;

 private:
  struct Posterior;
  struct Data;
  std::unique_ptr<Data> data_;
};

/// The median of the distances between all pairs of rows of x [N, ...], N >= 2: a scale to begin a
/// search for length scales from.
double median_distance(const Tensor& x);

}  // namespace hebb
