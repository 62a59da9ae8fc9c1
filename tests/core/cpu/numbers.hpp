#pragma once

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

/// The element types that kernels of this instruction set are compiled for.
#if HEBB_FLOAT64
#define HEBB_ELEMENT_TYPES float, double
#else
#define HEBB_ELEMENT_TYPES float
#endif

namespace hebb::test {

/// Between -1 and 1.
template <class T>
std::vector<T> random_numbers(int64_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<T> uniform(T(-1), T(1));
  std::vector<T> x(static_cast<size_t>(n));
  for (T& element : x) element = uniform(generator);
  return x;
}

/// NaN when an element is.
template <class A, class B>
double largest_difference(const std::vector<A>& a, const std::vector<B>& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(double(a[i]) - double(b[i]));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

/// The same relative to the largest element of b.
template <class A, class B>
double relative_difference(const std::vector<A>& a, const std::vector<B>& b) {
  double size = 0;
  for (const B x : b) size = std::max(size, std::abs(double(x)));
  return largest_difference(a, b) / size;
}

}  // namespace hebb::test
