#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/api.hpp"

namespace HEBB_API hebb {

/// A mean over independent runs, and how far it can be trusted.
struct MeanSummary {
  int64_t count = 0;
  double mean = 0;
  double deviation = 0;  ///< Standard deviation over the runs (n - 1); 0 for fewer than two.
  double error = 0;      ///< Standard error of the mean.
  double margin = 0;     ///< Half the width of the 95 % interval (Student's t).
};
/// ValueError for no values.
MeanSummary summarize(std::span<const double> values);

/// The t with P(T <= t) = p for Student's distribution, 0 < p < 1, at least 1 degree of freedom.
double student_t_quantile(double p, int64_t degrees);

/// Two-sided p-value of Wilcoxon's signed-rank test that paired differences are symmetric about
/// zero. Zero differences are left out, equal sizes share their mean rank, and the distribution
/// over all signs is exact. 1 when no difference is left.
double signed_rank_test(std::span<const double> differences);

/// Holm's correction of a family of p-values (Holm 1979): each is raised so that the chance of
/// any false rejection in the family is bounded.
std::vector<double> holm_correction(std::span<const double> p_values);

}  // namespace hebb
