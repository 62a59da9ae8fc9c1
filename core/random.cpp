#include "core/random.hpp"

#include <numbers>
#include <numeric>
#include <utility>

#include "core/check.hpp"
#include "core/random_fill.hpp"

namespace hebb {
RandomKey Generator::reserve(int64_t words) {
  const RandomKey key{seed_, stream_, offset_ - base_offset_, base_};
  offset_ += uint64_t(words + 3) / 4;
  return key;
}

void Generator::set_base(const uint64_t* base) {
  base_ = base;
  base_offset_ = base ? offset_ : 0;
}

Philox::Block Generator::next_block() {
  check(!base_, "[random] expected a generator without a base to draw from");
  return Philox::block(seed_, offset_++, stream_);
}

Generator Generator::split(uint64_t stream) const {
  // The parent's stream and the child's number are mixed by the cipher itself, so that chains of
  // splits do not meet.
  const Philox::Block mixed = Philox::block(stream_ ^ 0x5851F42D4C957F2Dull, stream, ~0ull);
  return Generator(seed_, uint64_t(mixed[0]) << 32 | mixed[1]);
}

Generator Generator::fork(uint64_t stream) const {
  Generator child = split(stream);
  const uint64_t high = child.word();
  return Generator(high << 32 | child.word());
}

uint32_t Generator::word() { return next_block()[0]; }

double Generator::uniform() { return to_unit_double(next_block()); }

double Generator::uniform(double lower, double upper) {
  return lower + (upper - lower) * uniform();
}

double Generator::normal() {
  const Philox::Block block = next_block();
  const uint64_t a = uint64_t(block[0]) << 32 | block[1];
  const uint64_t b = uint64_t(block[2]) << 32 | block[3];
  const double radius = std::sqrt(-2.0 * std::log((double(a >> 11) + 1.0) * 0x1.0p-53));
  return radius * std::cos(2.0 * std::numbers::pi * (double(b >> 11) * 0x1.0p-53));
}

int64_t Generator::below(int64_t bound) {
  check(bound >= 1, "[random] expected a bound of at least 1, got {}", bound);
  int64_t number = 0;
  while (!bounded_number(next_block(), bound, number)) {
  }
  return number;
}

std::vector<int64_t> Generator::permutation(int64_t n) {
  check(n >= 0, "[random] expected a permutation of at least 0 items, got {}", n);
  std::vector<int64_t> order(n);
  permutation(order);
  return order;
}

void Generator::permutation(std::span<int64_t> order) {
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[below(i)]);
}

void Generator::set_state(const State& state) {
  seed_ = state.seed;
  stream_ = state.stream;
  offset_ = state.offset;
  set_base(nullptr);
}

}  // namespace hebb
