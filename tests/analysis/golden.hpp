#pragma once

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "core/parallel.hpp"
#include "core/tensor.hpp"
#include "tests/catch.hpp"

/// What scikit-learn computes, made by the scripts of tests/golden.
namespace hebb::analysis_golden {

using Json = nlohmann::json;

inline Json read(const char* file) {
  std::ifstream stream(std::string(HEBB_GOLDEN "/") + file);
  return Json::parse(stream);
}

inline const Json& golden() {
  static const Json file = read("analysis.json");
  return file;
}

inline Tensor matrix(const Json& rows) {
  std::vector<double> values;
  for (const Json& row : rows)
    for (const double x : row) values.push_back(x);
  const int64_t n = std::ssize(rows);
  return Tensor::from(values, {n, std::ssize(values) / n});
}

inline std::vector<int64_t> integers(const Json& values) {
  return values.get<std::vector<int64_t>>();
}

/// A matrix written out.
inline Tensor rows(std::initializer_list<std::vector<double>> values) {
  return matrix(std::vector<std::vector<double>>(values));
}

/// The largest difference of two lists of numbers of the same length.
template <class A, class B>
double largest_difference(const A& a, const B& b) {
  REQUIRE(std::size(a) == std::size(b));
  double largest = 0;
  for (size_t i = 0; i < std::size(a); ++i)
    largest = std::max<double>(largest, std::abs(a[i] - b[i]));
  return largest;
}

/// What `compute` gives with one thread and with three, one after the other.
template <class Compute>
auto with_threads(Compute compute) {
  const int before = num_threads();
  set_num_threads(1);
  auto serial = compute();
  set_num_threads(3);
  auto parallel = compute();
  set_num_threads(before);
  return std::pair(std::move(serial), std::move(parallel));
}

}  // namespace hebb::analysis_golden
