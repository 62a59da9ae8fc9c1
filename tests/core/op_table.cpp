#include "tests/core/op_table.hpp"

#include <algorithm>
#include <cmath>

#include "core/random.hpp"

namespace hebb::test {
namespace {

// Sixty-fourths: exact in float32, and rows add up to exactly 1.
void fill_rows(Array& x, Generator& generator) {
  const int64_t classes = x.shape[-1];
  for (int64_t row = 0; row < x.shape.numel() / classes; ++row) {
    const int64_t silent = row % 2 == 0 && classes > 1;  // element 0 of every other row stays 0
    for (int unit = 0; unit < 64; ++unit)
      x(row, silent + generator.below(classes - silent)) += 1.0 / 64;
  }
}

double draw(const OperandSpec& spec, Generator& generator) {
  const double normal = generator.normal();
  switch (spec.fill) {
    case Fill::positive:
      return generator.uniform(0.5, 2);
    case Fill::off_zero:
      return normal + std::copysign(0.1, normal);
    case Fill::ties:
      return double(generator.below(4));
    case Fill::integers:
      return double(generator.below(spec.bound));
    default:
      return normal;
  }
}

}  // namespace

Array fill(const OperandSpec& spec, uint64_t seed) {
  Generator generator(seed);
  Array x(spec.shape);
  const int64_t n = spec.shape.numel();
  if (spec.fill == Fill::rows) {
    fill_rows(x, generator);
  } else if (spec.fill == Fill::distinct) {
    const std::vector<int64_t> order = generator.permutation(n);
    for (int64_t i = 0; i < n; ++i)
      x.values[size_t(i)] = double(order[size_t(i)] - n / 2) * 0.015625;
  } else {
    // Rounded, so that float32 and float64 begin with the same numbers.
    for (double& value : x.values) value = double(float(draw(spec, generator)));
  }
  return x;
}

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> cases = [] {
    std::vector<OpCase> all;
    for (const auto& family :
         {bean_cases(), conv2d_cases(), elementwise_cases(), layout_cases(), matmul_cases(),
          normalize_cases(), pool2d_cases(), reduce_cases(), softmax_cases()})
      all.insert(all.end(), family.begin(), family.end());
    return all;
  }();
  return cases;
}

}  // namespace hebb::test
