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

// Each replica by a generator of its own, which has drawn as much as any, with one p or one each.
OpCase replicas_case(int64_t replicas, bool own_p) {
  const auto p_of = [own_p](int64_t r) { return own_p ? double(r % 3) / 4 : 0.4; };
  const auto generator_of = [](int64_t r) {
    Generator generator(uint64_t(7 + r), uint64_t(3 * r));
    generator.reserve(4 * r);
    return generator;
  };
  OpCase row = replicated(dropout_case(own_p ? "p of each" : "p = 0.4", {3, 11}, 0.4), replicas);
  row.call = [=](auto x) {
    std::vector<Generator> generators;
    std::vector<double> p;
    for (int64_t r = 0; r < replicas; ++r) generators.push_back(generator_of(r));
    for (int64_t r = 0; r < (own_p ? replicas : 1); ++r) p.push_back(p_of(r));
    return dropout(x[0], p, generators);
  };
  row.alone = [=](int64_t r, auto x) {
    Generator generator = generator_of(r);
    return dropout(x[0], p_of(r), generator);
  };
  row.reference = [=](auto x) {
    Array y = x[0];
    for (int64_t i = 0; i < y.shape.numel(); ++i) {
      const int64_t r = i / 33, j = i % 33;
      const RandomKey key{uint64_t(7 + r), uint64_t(3 * r), uint64_t(r)};
      const uint32_t word = key.block(uint64_t(j / 4))[size_t(j % 4)];
      y.values[size_t(i)] *= to_unit_float(word) >= p_of(r) ? 1 / (1 - p_of(r)) : 0;
    }
    return y;
  };
  return row;
}

std::vector<OpCase> dropout_rows() {
  std::vector<OpCase> cases;
  cases.push_back(dropout_case("p = 0.3", {7, 11}, 0.3));
  cases.push_back(dropout_case("p = 0", {3, 5}, 0));
  cases.push_back(dropout_case("empty batch", {0, 5}, 0.5));
  cases.push_back(dropout_case("one element", {1}, 0.5));
  cases.push_back(dropout_case("large", {300, 1003}, 0.5));
  cases.back().large = true;
  for (const int64_t replicas : {1, 2, 3, 70})
    for (const bool own_p : {false, true}) cases.push_back(replicas_case(replicas, own_p));
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
  errors.push_back(
      error<ShapeError>("dropout", "expected x of shape [R, ...] for 2 generators, got [3, 4]", [] {
        std::vector<Generator> generators(2);
        dropout(ones({3, 4}), std::vector<double>{0.5}, generators);
      }));
  errors.push_back(
      error<ValueError>("dropout", "expected one p or 3, one for each replica, got 2", [] {
        std::vector<Generator> generators(3);
        dropout(ones({3, 4}), std::vector<double>{0.5, 0.1}, generators);
      }));
  errors.push_back(error<ValueError>("dropout", "expected p in [0, 1), got 1", [] {
    std::vector<Generator> generators(2);
    dropout(ones({2, 4}), std::vector<double>{0.5, 1}, generators);
  }));
  return errors;
}

}  // namespace

OpFamily dropout_family() { return {dropout_rows(), dropout_errors()}; }

}  // namespace hebb::test
