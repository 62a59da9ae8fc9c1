#include "core/random.hpp"
#include "tests/core/ops/table.hpp"

namespace hebb::test {
namespace {

Array dropped(const Array& x, double p, RandomKey key) {
  Array y = x;
  for (size_t i = 0; i < y.values.size(); ++i)
    y.values[i] *= to_unit_float(key.block(i / 4)[i % 4]) >= p ? 1 / (1 - p) : 0;
  return y;
}

OpCase dropout_case(const char* name, const Shape& shape, double p) {
  return {.op = "dropout",
          .name = name,
          .operands = {{shape}},
          .call =
              [p](auto x) {
                Generator generator(7, 3);
                generator.reserve(20);
                return dropout(x[0], p, generator);
              },
          .reference =
              [p](auto x) {
                return dropped(x[0], p, {7, 3, 5});
              }};
}

std::vector<OpCase> dropout_rows() {
  std::vector<OpCase> cases;
  cases.push_back(dropout_case("p = 0.3", {7, 11}, 0.3));
  cases.push_back(dropout_case("p = 0", {3, 5}, 0));
  cases.push_back(dropout_case("empty batch", {0, 5}, 0.5));
  cases.push_back(dropout_case("one element", {1}, 0.5));
  cases.push_back(dropout_case("large", {300, 1003}, 0.5));
  cases.back().large = true;
  return cases;
}

std::vector<ErrorCase> dropout_errors() {
  std::vector<ErrorCase> errors;
  for (const double p : {-0.5, 1.0})
    errors.push_back(error<ValueError>(
        "dropout", "expected p in [0, 1), got " + std::string(p < 0 ? "-0.5" : "1"), [p] {
          Generator generator;
          dropout(ones({3}), p, generator);
        }));
  return errors;
}

}  // namespace

OpFamily dropout_family() { return {dropout_rows(), dropout_errors()}; }

}  // namespace hebb::test
