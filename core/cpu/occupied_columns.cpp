#include "core/cpu/occupied_columns.hpp"

#include <cstring>

#include "core/cpu/copy.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

void set_zero(int64_t n, float* to) {
  constexpr int64_t lanes = Vec<float>::lanes;
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) store(to + i, Vec<float>(0.0f));
  if (i < n) store(to + i, Vec<float>(0.0f), n - i);
}

}  // namespace

OccupiedColumns::OccupiedColumns(int64_t rows, int64_t columns, const float* x)
    : columns_(columns), run_(columns / 2 + 1) {
  const Scratch<uint32_t> scratch(columns);
  uint32_t* const seen = scratch.data();
  for (int64_t j = 0; j < columns; ++j) seen[j] = 0;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) seen[j] |= bits_of(x[i * columns + j]);
  for (int64_t j = 0; j < columns; ++j) {
    if (seen[j] << 1 == 0) continue;  // zeros of both signs
    if (runs_ > 0 && run_[runs_ - 1].begin + run_[runs_ - 1].length == j)
      ++run_[runs_ - 1].length;
    else
      run_[runs_++] = {j, 1};
    ++count_;
  }
}

void OccupiedColumns::pack(int64_t rows, const float* from, float* to) const {
  const Run* const runs = run_.data();
  for (int64_t i = 0; i < rows; ++i) {
    float* target = to + i * stride();
    for (int64_t r = 0; r < runs_; ++r) {
      copy_row(runs[r].length, from + i * columns_ + runs[r].begin, target);
      target += runs[r].length;
    }
  }
}

void OccupiedColumns::unpack(int64_t rows, const float* from, float* to) const {
  const Run* const runs = run_.data();
  for (int64_t i = 0; i < rows; ++i) {
    const float* source = from + i * stride();
    float* target = to + i * columns_;
    int64_t done = 0;
    for (int64_t r = 0; r < runs_; ++r) {
      set_zero(runs[r].begin - done, target + done);
      copy_row(runs[r].length, source, target + runs[r].begin);
      source += runs[r].length;
      done = runs[r].begin + runs[r].length;
    }
    set_zero(columns_ - done, target + done);
  }
}

}  // namespace hebb::cpu::HEBB_ISA
