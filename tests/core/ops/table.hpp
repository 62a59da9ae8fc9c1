#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "core/ops/ops.hpp"

/// The table that drives the tests of all operations: table_test.cpp runs every check on every row,
/// and fails when a function of core/ops has none. Each family has its file <family>_rows.cpp.
namespace hebb::test {

/// What the references compute with: float64 numbers in plain row-major order.
struct Array {
  Shape shape;
  std::vector<double> values;

  explicit Array(const Shape& extents) : shape(extents), values(size_t(extents.numel())) {}
  template <class... Index>
  double& operator()(Index... index) {
    return values[offset({int64_t(index)...})];
  }
  template <class... Index>
  double operator()(Index... index) const {
    return values[offset({int64_t(index)...})];
  }

 private:
  size_t offset(std::initializer_list<int64_t> index) const {
    int64_t result = 0;
    int axis = 0;
    for (const int64_t i : index) result = result * shape[axis++] + i;
    return size_t(result);
  }
};

enum class Fill {
  normal,
  positive,  // in [0.5, 2)
  off_zero,  // normal, but at least 0.1 from the kink at 0
  distinct,  // any two are at least 0.01 apart: no ties, and none within the difference quotient
  ties,      // small whole numbers
  rows,      // each row (last axis) is a distribution; some elements are 0
  integers,  // int64 in [0, bound)
};

struct OperandSpec {
  Shape shape;
  Fill fill = Fill::normal;
  int64_t bound = 0;      // for integers
  bool grad = true;       // whether its gradient is checked; never for integers
  bool optional = false;  // may be an undefined tensor
};

struct OpCase {
  std::string op;    // the function's name
  std::string name;  // what is special about this row
  std::vector<OperandSpec> operands;
  std::function<Tensor(std::span<const Tensor>)> call;
  std::function<Array(std::span<const Array>)> reference;
  double float32_tolerance = 1e-5;  // of the largest element
  bool large = false;               // enough work to be cut into pieces; no difference quotients
  bool checked = true;              // whether the operation checks its operands itself
  // Of operands [R, ...]: what replica r, whose operands these are, is to be alone, to the bit.
  std::function<Tensor(int64_t r, std::span<const Tensor>)> alone = {};
};

/// A row with an axis for replicas in front of all operands.
OpCase replicated(const OpCase& row, int64_t replicas);

struct ErrorCase {
  std::string op;
  std::string message;  // exactly, with the operation's name in front
  std::function<void()> call;
  std::function<bool(const Error&)> of_type;
};
template <class E>
ErrorCase error(const std::string& op, const std::string& message, std::function<void()> call) {
  return {op, "[" + op + "] " + message, std::move(call),
          [](const Error& e) { return dynamic_cast<const E*>(&e) != nullptr; }};
}

/// What every operation of one operand `x` refuses.
void add_unary_errors(std::vector<ErrorCase>& errors, const std::string& op,
                      Tensor (*call)(const Tensor&));

struct OpFamily {
  std::vector<OpCase> rows;
  std::vector<ErrorCase> errors;
};
OpFamily bean_family();
OpFamily compare_family();
OpFamily conv2d_family();
OpFamily conv2d_max_pool2d_family();
OpFamily dropout_family();
OpFamily elementwise_family();
OpFamily fill_family();
OpFamily images_family();
OpFamily layout_family();
OpFamily matmul_family();
OpFamily normalize_family();
OpFamily optimize_family();
OpFamily pool2d_family();
OpFamily reduce_family();
OpFamily softmax_family();

const OpFamily& all_operations();
/// The device that rows run on: the CPU, or what HEBB_TEST_DEVICE names.
Device test_device();
Array fill(const OperandSpec& spec, uint64_t seed);
/// What a row of an operation in place hands over, so that its operand stays: a copy, or the
/// operand itself where there is nothing to copy and the operation has to refuse.
Tensor to_change(const Tensor& x);

// Operands of error cases.
inline Tensor ones(const Shape& shape) { return Tensor::ones(shape); }
inline Tensor labels(const std::vector<int64_t>& values) {
  return Tensor::from(values, {int64_t(values.size())});
}

}  // namespace hebb::test
