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

void set_zero(float* from, const float* to) {
  for (; from < to; ++from) *from = 0;
}

}  // namespace

OccupiedColumns::OccupiedColumns(int64_t rows, int64_t columns, const float* x)
    : columns_(columns), run_(columns / 2 + 1) {
  const Scratch<uint32_t> seen(columns);
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
  for (int64_t i = 0; i < rows; ++i) {
    float* target = to + i * stride();
    for (int64_t r = 0; r < runs_; ++r) {
      copy_row(run_[r].length, from + i * columns_ + run_[r].begin, target);
      target += run_[r].length;
    }
  }
}

void OccupiedColumns::unpack(int64_t rows, const float* from, float* to) const {
  for (int64_t i = 0; i < rows; ++i) {
    const float* source = from + i * stride();
    float* target = to + i * columns_;
    float* done = target;
    for (int64_t r = 0; r < runs_; ++r) {
      set_zero(done, target + run_[r].begin);
      copy_row(run_[r].length, source, target + run_[r].begin);
      source += run_[r].length;
      done = target + run_[r].begin + run_[r].length;
    }
    set_zero(done, target + columns_);
  }
}

}  // namespace hebb::cpu::HEBB_ISA
