#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/tensor.hpp"

/// Internal: what the analyses compute on.
namespace hebb {

/// The rows of a tensor as float64 on the CPU. ShapeError unless the tensor is a matrix with at
/// least one element, ValueError when an element is not finite.
class Matrix {
 public:
  Matrix(const Tensor& values, const char* where);

  int64_t rows() const { return values_.size(0); }
  int64_t cols() const { return values_.size(1); }
  const double* row(int64_t i) const { return data_ + i * cols(); }
  double operator()(int64_t i, int64_t j) const { return row(i)[j]; }
  std::span<const double> elements() const { return values_.host<double>(); }

 private:
  Tensor values_;
  const double* data_;
};

double squared_distance(const double* a, const double* b, int64_t n);

/// Labels renumbered as 0..count-1 in ascending order of their values.
struct DenseLabels {
  explicit DenseLabels(std::span<const int64_t> labels);

  std::vector<int64_t> of;      ///< Number of each item's label.
  std::vector<int64_t> values;  ///< The labels themselves, ascending.
  std::vector<int64_t> sizes;   ///< How many items carry each.
  int64_t count() const { return std::ssize(values); }
};

/// Throws unless every label is in [lowest, count).
void check_labels(std::span<const int64_t> labels, int64_t count, const char* where,
                  int64_t lowest = 0);

}  // namespace hebb
