#include "analysis/agreement.hpp"

#include <algorithm>

#include "analysis/entropy.hpp"
#include "analysis/matrix.hpp"
#include "core/check.hpp"

namespace hebb {
namespace {

/// How many items carry each pair of labels.
struct Contingency {
  Contingency(std::span<const int64_t> a, std::span<const int64_t> b, const char* where)
      : rows(a), cols(b), n(double(a.size())) {
    check<ShapeError>(a.size() == b.size() && !a.empty(),
                      "[{}] expected two labelings of the same items, got {} and {} labels", where,
                      a.size(), b.size());
    counts.resize(rows.count() * cols.count());
    for (size_t i = 0; i < a.size(); ++i) ++counts[rows.of[i] * cols.count() + cols.of[i]];
  }

  DenseLabels rows, cols;
  double n;
  std::vector<int64_t> counts;

  /// The column of the largest count in a row.
  int64_t majority(int64_t row) const {
    const auto begin = counts.begin() + row * cols.count();
    return std::max_element(begin, begin + cols.count()) - begin;
  }
};

double pairs(const std::vector<int64_t>& counts) {
  double sum = 0;
  for (const int64_t count : counts) sum += double(count) * double(count - 1) / 2;
  return sum;
}

}  // namespace

double adjusted_rand_index(std::span<const int64_t> a, std::span<const int64_t> b) {
  const Contingency table(a, b, "adjusted_rand_index");
  const double both = pairs(table.counts), in_a = pairs(table.rows.sizes),
               in_b = pairs(table.cols.sizes);
  if (both == in_a && both == in_b) return 1;
  const double expected = in_a * in_b / (table.n * (table.n - 1) / 2);
  return (both - expected) / ((in_a + in_b) / 2 - expected);
}

double normalized_mutual_information(std::span<const int64_t> a, std::span<const int64_t> b) {
  const Contingency table(a, b, "normalized_mutual_information");
  if (table.rows.count() == 1 && table.cols.count() == 1) return 1;
  const double in_a = entropy(table.rows.sizes, table.n), in_b = entropy(table.cols.sizes, table.n);
  const double shared = in_a + in_b - entropy(table.counts, table.n);
  return std::clamp(shared / ((in_a + in_b) / 2), 0.0, 1.0);
}

double purity(std::span<const int64_t> clusters, std::span<const int64_t> classes) {
  const Contingency table(clusters, classes, "purity");
  double agreeing = 0;
  for (int64_t row = 0; row < table.rows.count(); ++row)
    agreeing += double(table.counts[row * table.cols.count() + table.majority(row)]);
  return agreeing / table.n;
}

std::vector<int64_t> majority_classes(std::span<const int64_t> clusters,
                                      std::span<const int64_t> classes) {
  const Contingency table(clusters, classes, "majority_classes");
  std::vector<int64_t> majority;
  for (int64_t row = 0; row < table.rows.count(); ++row)
    majority.push_back(table.cols.values[table.majority(row)]);
  return majority;
}

}  // namespace hebb
