#include "core/random_fill.hpp"
#include "tests/core/ops/table.hpp"

namespace hebb::test {
namespace {

using Fill3 = void (*)(const Tensor&, double, double, Generator&);
using Number = std::function<double(RandomKey, int64_t)>;

uint32_t word(RandomKey key, int64_t i) { return key.block(uint64_t(i / 4))[size_t(i % 4)]; }

OpCase row(const char* op, const char* name, const Shape& shape, double first, double second,
           Fill3 call, const Number& number) {
  return {.op = op,
          .name = name,
          .operands = {{shape, Fill::normal, 0, false}},
          .call =
              [=](auto x) {
                const Tensor filled = to_change(x[0]);
                Generator generator(7, 3);
                generator.reserve(20);
                call(filled, first, second, generator);
                return filled;
              },
          .reference =
              [=](auto x) {
                Array y = x[0];
                for (size_t i = 0; i < y.values.size(); ++i)
                  y.values[i] = number({7, 3, 5}, int64_t(i));
                return y;
              },
          .large = shape.numel() > 10000};
}

std::vector<OpCase> fill_rows() {
  std::vector<OpCase> cases;
  for (const auto& [name, shape] : {std::pair{"a matrix", Shape{7, 11}},
                                    {"one element", {1}},
                                    {"empty", {0, 3}},
                                    {"large", {300, 1003}}}) {
    cases.push_back(
        row("fill_uniform", name, shape, -1.5, 0.25, fill_uniform,
            [](RandomKey key, int64_t i) { return uniform_number(word(key, i), -1.5, 0.25); }));
    cases.push_back(
        row("fill_normal", name, shape, 0.5, 2, fill_normal, [](RandomKey key, int64_t i) {
          const NormalPair pair = normal_pair(word(key, i / 2 * 2), word(key, i / 2 * 2 + 1));
          return 0.5 + 2 * (i % 2 ? pair.second : pair.first);
        }));
    cases.push_back(row("fill_truncated_normal", name, shape, 0.1, 1.5, fill_truncated_normal,
                        [](RandomKey key, int64_t i) {
                          const double tail = normal_tail(1.5);
                          return 0.1 * truncated_normal_number(word(key, i), 1.5, tail);
                        }));
  }
  cases.push_back({.op = "advance",
                   .name = "counts",
                   .operands = {{{5}, Fill::integers, 1000}},
                   .call =
                       [](auto x) {
                         const Tensor counts = to_change(x[0]);
                         advance(counts, 7);
                         return counts;
                       },
                   .reference =
                       [](auto x) {
                         Array y = x[0];
                         for (double& value : y.values) value += 7;
                         return y;
                       },
                   .float32_tolerance = 0,
                   .checked = false});
  return cases;
}

std::vector<ErrorCase> fill_errors() {
  const auto with = [](Fill3 fill, double first, double second) {
    return [=] {
      Generator generator;
      fill(ones({3}), first, second, generator);
    };
  };
  constexpr const char* stddev = "expected a standard deviation of at least 0, got -1";
  return {
      error<ValueError>("fill_uniform", "expected lower <= upper, got 1 and 0",
                        with(fill_uniform, 1, 0)),
      error<ValueError>("fill_normal", stddev, with(fill_normal, 0, -1)),
      error<ValueError>("fill_truncated_normal", stddev, with(fill_truncated_normal, -1, 2)),
      error<ValueError>("fill_truncated_normal", "expected a limit over 0, got 0",
                        with(fill_truncated_normal, 1, 0)),
      error<DTypeError>("advance", "expected counts of int64, got float32 [3] on cpu",
                        [] { advance(ones({3}), 1); }),
  };
}

}  // namespace

OpFamily fill_family() { return {fill_rows(), fill_errors()}; }

}  // namespace hebb::test
