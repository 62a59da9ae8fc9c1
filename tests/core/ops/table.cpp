#include "tests/core/ops/table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

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

OpCase replicated(const OpCase& row, int64_t replicas) {
  OpCase many = row;
  many.name += ", replicas: " + std::to_string(replicas);
  for (OperandSpec& operand : many.operands) operand.shape = operand.shape.inserted(0, replicas);
  many.alone = [call = row.call](int64_t, auto x) { return call(x); };
  many.reference = [replicas, reference = row.reference](std::span<const Array> x) {
    std::vector<double> values;
    Shape shape;
    for (int64_t r = 0; r < replicas; ++r) {
      std::vector<Array> own;
      for (const Array& all : x) {
        Array& one = own.emplace_back(all.shape.without(0));
        std::copy_n(all.values.begin() + r * one.shape.numel(), one.values.size(),
                    one.values.begin());
      }
      const Array y = reference(own);
      shape = y.shape.inserted(0, replicas);
      values.insert(values.end(), y.values.begin(), y.values.end());
    }
    Array all(shape);
    all.values = values;
    return all;
  };
  return many;
}

Tensor to_change(const Tensor& x) {
  return x.defined() && x.device() == test_device() ? x.clone() : x;
}

Device test_device() {
  static const Device device = [] {
    const char* name = std::getenv("HEBB_TEST_DEVICE");
    return name ? Device::parse(name) : Device::cpu();
  }();
  return device;
}

void add_unary_errors(std::vector<ErrorCase>& errors, const std::string& op,
                      Tensor (*call)(const Tensor&)) {
  errors.push_back(
      error<DTypeError>(op, "expected x of float32, float64 or bfloat16, got uint8 [2] on cpu",
                        [=] { call(Tensor::ones({2}, {DType::uint8})); }));
  errors.push_back(error<ValueError>(op, "expected a tensor for x, got an undefined one",
                                     [=] { call(Tensor()); }));
}

const OpFamily& all_operations() {
  static const OpFamily operations = [] {
    OpFamily all;
    for (const OpFamily& family :
         {bean_family(), compare_family(), conv2d_family(), conv2d_max_pool2d_family(),
          dropout_family(), elementwise_family(), fill_family(), images_family(), layout_family(),
          matmul_family(), normalize_family(), optimize_family(), pool2d_family(), reduce_family(),
          softmax_family()}) {
      all.rows.insert(all.rows.end(), family.rows.begin(), family.rows.end());
      all.errors.insert(all.errors.end(), family.errors.begin(), family.errors.end());
    }
    return all;
  }();
  return operations;
}

}  // namespace hebb::test
