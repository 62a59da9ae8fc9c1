#include "core/random.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "core/error.hpp"
#include "tests/catch.hpp"

namespace hebb {
namespace {

struct Moments {
  double mean, variance, kurtosis;
};

template <class Draw>
Moments moments(int n, Draw draw) {
  std::vector<double> values(static_cast<size_t>(n));
  std::generate(values.begin(), values.end(), draw);
  const auto average = [&](auto f) {
    double sum = 0;
    for (const double value : values) sum += f(value);
    return sum / n;
  };
  const double mean = average([](double v) { return v; });
  const double variance = average([&](double v) { return std::pow(v - mean, 2); });
  return {mean, variance,
          average([&](double v) { return std::pow(v - mean, 4); }) / (variance * variance)};
}

}  // namespace

// kat_vectors of Random123.
TEST_CASE("Philox gives its known answers", "[core]") {
  CHECK(Philox::block(0, 0, 0) == Philox::Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(Philox::block(~0ull, ~0ull, ~0ull) ==
        Philox::Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(Philox::block(0x299f31d0a4093822, 0x85a308d3243f6a88, 0x0370734413198a2e) ==
        Philox::Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a generator is its state", "[core]") {
  Generator a(42, 7);
  for (int i = 0; i < 10; ++i) a.word();
  const Generator::State state = a.state();
  CHECK(state == Generator::State{42, 7, 10});
  const double next = a.normal();
  Generator b;
  b.set_state(state);
  CHECK(b.normal() == next);
  CHECK(a.state() == b.state());
}

TEST_CASE("reserve sets whole blocks aside", "[core]") {
  Generator generator(1);
  const RandomKey first = generator.reserve(5);
  const RandomKey second = generator.reserve(0);
  CHECK(first.offset == 0);
  CHECK(second.offset == 2);
  CHECK(generator.state().offset == 2);
  CHECK(first.block(1) == Philox::block(1, 1, 0));
}

TEST_CASE("keys may count from a number in memory", "[core]") {
  Generator plain(3, 4), based(3, 4);
  for (Generator* generator : {&plain, &based}) generator->reserve(11);
  uint64_t base = based.state().offset;
  based.set_base(&base);
  for (const int64_t words : {5, 1, 8}) {
    const RandomKey a = plain.reserve(words), b = based.reserve(words);
    for (uint64_t i = 0; i < 3; ++i) CHECK(a.block(i) == b.block(i));
  }
  CHECK(plain.state() == based.state());
  // The same key goes on where the base does.
  based.set_base(&base);
  base = plain.state().offset;
  const RandomKey repeated = based.reserve(4);
  for (int i = 0; i < 3; ++i) {
    CHECK(repeated.block(0) == plain.reserve(4).block(0));
    ++base;
  }
  CHECK_THROWS_WITH(based.word(), "[random] expected a generator without a base to draw from");
  based.set_base(nullptr);
  plain.set_state(based.state());
  CHECK(based.word() == plain.word());
  CHECK(based.reserve(1).block(0) == plain.reserve(1).block(0));
}

TEST_CASE("a fork is a split with a seed of its own", "[core]") {
  const Generator root(7);
  Generator split = root.split(3);
  const uint64_t high = split.word(), low = split.word();
  CHECK(root.fork(3).seed() == (high << 32 | low));
  CHECK(root.fork(3).state() == Generator(high << 32 | low).state());
  CHECK(root.fork(3).state() == root.fork(3).state());
  CHECK(root.fork(4).seed() != root.fork(3).seed());
}

TEST_CASE("splits are independent of each other and of their parent", "[core]") {
  const Generator root(5);
  std::set<uint64_t> streams{root.state().stream};
  for (uint64_t i = 0; i < 100; ++i) {
    const Generator child = root.split(i);
    streams.insert(child.state().stream);
    CHECK(child.state().seed == 5);
    for (uint64_t j = 0; j < 20; ++j) streams.insert(child.split(j).state().stream);
  }
  CHECK(streams.size() == 1 + 100 + 2000);
  CHECK(root.state().offset == 0);
  Generator used(5);
  used.word();
  CHECK(used.split(3).state() == root.split(3).state());

  Generator a = root.split(1), b = root.split(2);
  double correlation = 0;
  for (int i = 0; i < 10000; ++i) correlation += a.normal() * b.normal() / 10000;
  CHECK(std::abs(correlation) < 0.04);  // four standard deviations
}

TEST_CASE("uniform and normal numbers have their moments", "[core]") {
  Generator generator(3);
  constexpr int n = 200000;
  const Moments uniform = moments(n, [&] { return generator.uniform(); });
  CHECK(uniform.mean == Approx(0.5).margin(4 * std::sqrt(1.0 / 12 / n)));
  CHECK(uniform.variance == Approx(1.0 / 12).epsilon(0.01));
  CHECK(uniform.kurtosis == Approx(1.8).epsilon(0.01));
  const Moments normal = moments(n, [&] { return generator.normal(); });
  CHECK(normal.mean == Approx(0).margin(4 / std::sqrt(n)));
  CHECK(normal.variance == Approx(1).epsilon(0.015));
  CHECK(normal.kurtosis == Approx(3).epsilon(0.03));
  for (int i = 0; i < 1000; ++i) {
    const double value = generator.uniform(-2, 5);
    CHECK((value >= -2 && value < 5));
  }
  CHECK(to_unit_float(0) == 0);
  CHECK(to_unit_float(0xFFFFFFFF) < 1);
}

TEST_CASE("below has no bias", "[core]") {
  Generator generator(11);
  std::vector<int> counts(10);
  for (int i = 0; i < 100000; ++i) ++counts[size_t(generator.below(10))];
  double chi_squared = 0;
  for (const int count : counts) chi_squared += std::pow(count - 10000, 2) / 10000;
  CHECK(chi_squared < 27.9);  // 9 degrees of freedom, p = 0.001
  // 2^64 words over 3 * 2^61 values: without rejection every third would get 2 of 8, not 1 of 3.
  int thirds = 0;
  for (int i = 0; i < 30000; ++i) thirds += generator.below(int64_t(3) << 61) % 3 == 2;
  CHECK(std::abs(thirds - 10000) < 4 * std::sqrt(30000 * 2.0 / 9));
  CHECK(generator.below(1) == 0);
  CHECK_THROWS_AS(generator.below(0), ValueError);
}

TEST_CASE("permutations hold everything once, and all are as likely", "[core]") {
  Generator generator(2);
  std::vector<int64_t> order = generator.permutation(1000);
  CHECK(!std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (int64_t i = 0; i < 1000; ++i) REQUIRE(order[size_t(i)] == i);
  std::vector<int> counts(6);
  for (int i = 0; i < 6000; ++i) {
    const std::vector<int64_t> p = generator.permutation(3);
    ++counts[size_t(p[0] * 2 + (p[1] > p[2]))];
  }
  double chi_squared = 0;
  for (const int count : counts) chi_squared += std::pow(count - 1000, 2) / 1000;
  CHECK(chi_squared < 20.5);  // 5 degrees of freedom, p = 0.001
  CHECK(generator.permutation(0).empty());
  CHECK_THROWS_AS(generator.permutation(-1), ValueError);
}

}  // namespace hebb
