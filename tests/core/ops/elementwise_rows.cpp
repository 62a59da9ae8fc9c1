#include <algorithm>
#include <cmath>

#include "tests/core/ops/broadcast.hpp"
#include "tests/core/ops/table.hpp"

namespace hebb::test {
namespace {

using Tensor2 = Tensor (*)(const Tensor&, const Tensor&);
using Scalar1 = double (*)(double);
using Tensor1 = Tensor (*)(const Tensor&);

template <class F>
auto each(F f) {
  return [f](std::span<const Array> x) {
    Array y = x[0];
    for (double& value : y.values) value = f(value);
    return y;
  };
}

void add_binary(std::vector<OpCase>& cases, const char* op, Tensor2 call, Scalar2 f) {
  const Fill b = std::string(op) == "divide" ? Fill::positive : Fill::normal;
  const auto row = [&](const char* name, const Shape& left, const Shape& right) {
    cases.push_back({.op = op,
                     .name = name,
                     .operands = {{left}, {right, b}},
                     .call = [call](auto x) { return call(x[0], x[1]); },
                     .reference = pairwise(f)});
  };
  row("same shape", {3, 5}, {3, 5});
  row("scalars", {}, {});
  row("a row", {4, 7}, {7});
  row("a column", {4, 7}, {4, 1});
  row("a row and a column", {1, 7}, {5, 1});
  row("channels", {2, 3, 5, 4}, {3, 1, 1});
  row("channels on the left", {3, 1, 1}, {2, 3, 5, 4});
  row("axes in turn", {2, 1, 3, 1, 5}, {4, 1, 2, 1});
  row("a scalar", {3, 17}, {});
  row("a scalar on the left", {}, {3, 17});
  row("one element", {1, 1}, {1});
  row("empty batch", {0, 5}, {5});
  row("empty against one", {0, 3}, {1, 3});
  row("large", {300, 1003}, {300, 1003});
  cases.back().large = true;
  row("large, a row", {300, 1003}, {1003});
  cases.back().large = true;
  row("large, channels", {20, 6, 50, 51}, {6, 1, 1});
  cases.back().large = true;
}

void add_power(std::vector<OpCase>& cases) {
  const auto number = [&](const char* name, const Shape& shape, Fill fill, double exponent) {
    cases.push_back({.op = "pow",
                     .name = name,
                     .operands = {{shape, fill}},
                     .call = [=](auto x) { return pow(x[0], exponent); },
                     .reference =
                         [=](auto x) {
                           Array y = x[0];
                           for (double& value : y.values) value = std::pow(value, exponent);
                           return y;
                         },
                     .large = shape.numel() > 10000});
  };
  number("to 2", {3, 5}, Fill::normal, 2);
  number("to 3", {3, 35}, Fill::off_zero, 3);
  number("to 1", {3, 5}, Fill::normal, 1);
  number("to 0", {3, 5}, Fill::ties, 0);
  number("to -1", {3, 5}, Fill::positive, -1);
  number("to 0.5", {3, 5}, Fill::positive, 0.5);
  number("to a number, empty", {0, 4}, Fill::positive, 1.5);
  number("to a number, large", {300, 103}, Fill::positive, -1.25);

  const auto tensors = [&](const char* name, const Shape& x, const Shape& exponent) {
    cases.push_back({.op = "pow",
                     .name = name,
                     .operands = {{x, Fill::positive}, {exponent}},
                     .call = [](auto t) { return pow(t[0], t[1]); },
                     .reference = pairwise([](double a, double b) { return std::pow(a, b); }),
                     .large = x.numel() > 10000});
  };
  tensors("same shape", {3, 5}, {3, 5});
  tensors("a row of exponents", {4, 7}, {7});
  tensors("a column of exponents", {4, 7}, {4, 1});
  tensors("one base", {}, {3, 17});
  tensors("scalars", {}, {});
  tensors("empty batch", {0, 5}, {5});
  tensors("large", {300, 103}, {300, 103});
  cases.push_back({.op = "pow",
                   .name = "whole exponents of numbers below 0",
                   .operands = {{{3, 5}, Fill::off_zero}, {{3, 5}, Fill::ties, 0, false}},
                   .call = [](auto t) { return pow(t[0], t[1]); },
                   .reference = pairwise([](double a, double b) { return std::pow(a, b); })});
}

void add_unary(std::vector<OpCase>& cases, const char* op, Fill fill, Tensor1 call, Scalar1 f) {
  const auto row = [&](const char* name, const Shape& shape) {
    cases.push_back({.op = op,
                     .name = name,
                     .operands = {{shape, fill}},
                     .call = [call](auto x) { return call(x[0]); },
                     .reference = each(f)});
  };
  row("a tensor", {3, 5, 7});
  row("a scalar", {});
  row("empty", {0, 4});
  row("large", {300, 1003});
  cases.back().large = true;
}

std::vector<OpCase> elementwise_rows() {
  std::vector<OpCase> cases;
  add_binary(cases, "add", add, [](double a, double b) { return a + b; });
  add_binary(cases, "subtract", subtract, [](double a, double b) { return a - b; });
  add_binary(cases, "multiply", multiply, [](double a, double b) { return a * b; });
  add_binary(cases, "divide", divide, [](double a, double b) { return a / b; });

  add_unary(cases, "negate", Fill::normal, negate, [](double x) { return -x; });
  add_unary(cases, "exp", Fill::normal, exp, [](double x) { return std::exp(x); });
  add_unary(cases, "log", Fill::positive, log, [](double x) { return std::log(x); });
  add_unary(cases, "sqrt", Fill::positive, sqrt, [](double x) { return std::sqrt(x); });
  add_unary(cases, "tanh", Fill::normal, tanh, [](double x) { return std::tanh(x); });
  add_unary(cases, "abs", Fill::off_zero, abs, [](double x) { return std::abs(x); });
  add_unary(cases, "relu", Fill::off_zero, relu, [](double x) { return std::max(x, 0.0); });
  add_unary(cases, "sigmoid", Fill::normal, sigmoid,
            [](double x) { return 1 / (1 + std::exp(-x)); });
  add_unary(cases, "square", Fill::normal, square, [](double x) { return x * x; });

  add_power(cases);

  const auto affine_row = [&](const char* name, const Shape& shape, double scale, double shift) {
    cases.push_back({.op = "affine",
                     .name = name,
                     .operands = {{shape}},
                     .call = [=](auto x) { return affine(x[0], scale, shift); },
                     .reference = each([=](double x) { return scale * x + shift; })});
  };
  affine_row("scale and shift", {3, 5}, -1.5, 0.25);
  affine_row("shift alone", {3, 5}, 1, 2);
  affine_row("scale 0", {3, 5}, 0, 2);
  affine_row("empty", {0}, 2, 1);
  affine_row("large", {300, 1003}, 0.5, -1);
  cases.back().large = true;
  return cases;
}

std::vector<ErrorCase> elementwise_errors() {
  std::vector<ErrorCase> errors;
  const auto binary = [&](const std::string& op, Tensor (*call)(const Tensor&, const Tensor&)) {
    errors.push_back(
        error<ShapeError>(op, "expected shapes that broadcast, got [2, 3] and [2]", [=] {
          call(ones({2, 3}), ones({2}));
        }));
    errors.push_back(error<DTypeError>(
        op, "expected b of the same type as a (float32 [2] on cpu), got float64 [2] on cpu",
        [=] { call(ones({2}), Tensor::ones({2}, {DType::float64})); }));
  };
  binary("add", add);
  binary("subtract", subtract);
  binary("multiply", multiply);
  binary("divide", divide);
  errors.push_back(
      error<ShapeError>("pow", "expected shapes that broadcast, got [2, 3] and [2]", [] {
        pow(ones({2, 3}), ones({2}));
      }));
  add_unary_errors(errors, "pow", [](const Tensor& x) { return pow(x, 3); });
  add_unary_errors(errors, "negate", negate);
  add_unary_errors(errors, "exp", exp);
  add_unary_errors(errors, "log", log);
  add_unary_errors(errors, "sqrt", sqrt);
  add_unary_errors(errors, "tanh", tanh);
  add_unary_errors(errors, "abs", abs);
  add_unary_errors(errors, "relu", relu);
  add_unary_errors(errors, "sigmoid", sigmoid);
  add_unary_errors(errors, "square", square);
  add_unary_errors(errors, "affine", [](const Tensor& t) { return affine(t, 2, 1); });
  return errors;
}

}  // namespace

OpFamily elementwise_family() { return {elementwise_rows(), elementwise_errors()}; }

}  // namespace hebb::test
