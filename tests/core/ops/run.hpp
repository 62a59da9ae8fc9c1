#pragma once

#include <cmath>
#include <cstring>
#include <optional>
#include <sstream>

#include "core/autograd.hpp"
#include "tests/catch.hpp"
#include "tests/core/ops/table.hpp"

/// How a row of the table is run, and its results compared.
namespace hebb::test {

struct Outcome {
  Array y{Shape()};
  std::vector<std::optional<Array>> grads;
};

inline std::vector<Array> fill_operands(const OpCase& row) {
  std::vector<Array> values;
  for (size_t i = 0; i < row.operands.size(); ++i) values.push_back(fill(row.operands[i], 100 + i));
  return values;
}

inline Tensor to_tensor(const Array& x, DType dtype) {
  return Tensor::from(x.values, x.shape).to(dtype).to(test_device());
}

inline Array to_array(const Tensor& x) {
  Array y(x.shape());
  const Tensor values = x.detach().to(DType::float64);
  y.values = values.to_vector<double>();
  return y;
}

inline bool differentiable(const OperandSpec& spec) {
  return spec.grad && spec.fill != Fill::integers;
}

/// Whether operand i is of float32 beside others of bfloat16.
inline bool is_parameter(const OpCase& row, size_t i) {
  const bool has_weights = row.op == "conv2d" || row.op == "conv2d_max_pool2d" ||
                           row.op == "linear" || row.op == "bean_penalty" ||
                           row.op == "cross_entropy";
  return i > 0 && (has_weights || (row.op == "batch_norm2d" && row.operands[i].shape.rank() == 1));
}

inline DType dtype_for(const OpCase& row, size_t i, DType dtype) {
  if (row.operands[i].fill == Fill::integers) return DType::int64;
  return dtype == DType::bfloat16 && is_parameter(row, i) ? DType::float32 : dtype;
}

inline std::vector<Tensor> make_operands(const OpCase& row, const std::vector<Array>& values,
                                         DType dtype) {
  std::vector<Tensor> x;
  for (size_t i = 0; i < values.size(); ++i) {
    x.push_back(to_tensor(values[i], dtype_for(row, i, dtype)));
    if (differentiable(row.operands[i])) x[i].set_requires_grad();
  }
  return x;
}

/// What comes from above in a backward pass: exact in bfloat16, and no two neighbours alike.
inline Tensor upstream(const Tensor& y) {
  Array dy(y.shape());
  for (size_t i = 0; i < dy.values.size(); ++i) dy.values[i] = (double(i * 37 % 101) - 50) / 64;
  return to_tensor(dy, y.dtype());
}

inline Outcome run(const OpCase& row, std::vector<Tensor> x) {
  const Tensor y = row.call(x);
  Outcome outcome{to_array(y), {}};
  if (y.requires_grad()) backward(y, upstream(y));
  for (const Tensor& operand : x)
    outcome.grads.push_back(operand.grad().defined() ? std::optional(to_array(operand.grad()))
                                                     : std::nullopt);
  return outcome;
}

/// Where the arrays differ by more than `tolerance` times the largest element; empty when nowhere.
inline std::string difference(const Array& actual, const Array& expected, double tolerance) {
  if (actual.shape != expected.shape)
    return "shape " + actual.shape.to_string() + ", expected " + expected.shape.to_string();
  double largest = 1;
  for (const double value : expected.values) largest = std::max(largest, std::abs(value));
  for (size_t i = 0; i < expected.values.size(); ++i)
    if (!(std::abs(actual.values[i] - expected.values[i]) <= tolerance * largest)) {
      std::ostringstream message;
      message.precision(17);
      message << "element " << i << " is " << actual.values[i] << ", expected "
              << expected.values[i];
      return message.str();
    }
  return "";
}

inline bool same_bits(const Array& a, const Array& b) {
  return a.shape == b.shape &&
         (a.values.empty() ||
          std::memcmp(a.values.data(), b.values.data(), a.values.size() * sizeof(double)) == 0);
}

inline bool same_bits(const Outcome& a, const Outcome& b) {
  bool same = same_bits(a.y, b.y) && a.grads.size() == b.grads.size();
  for (size_t i = 0; same && i < a.grads.size(); ++i)
    same = a.grads[i].has_value() == b.grads[i].has_value() &&
           (!a.grads[i] || same_bits(*a.grads[i], *b.grads[i]));
  return same;
}

// Not a section for each row: Catch2's time for them grows with the square of their number.
template <class F>
void for_each_row(F&& check_row) {
  for (const OpCase& row : all_operations().rows) {
    INFO(row.op << ": " << row.name);
    try {
      check_row(row);
    } catch (const std::exception& e) {
      FAIL_CHECK(e.what());
    }
  }
}

}  // namespace hebb::test
