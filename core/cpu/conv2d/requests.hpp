#pragma once

#include <cstring>

#include "core/cpu/conv2d/panels.hpp"
#include "core/cpu/conv2d/positions.hpp"
#include "core/cpu/gemm/kernel.hpp"
#include "core/cpu/scratch.hpp"

namespace hebb::cpu::HEBB_ISA {

/// Lines of memory that later products want, as distances from one base. Each step of the products
/// before them asks for one (ForeseeingRows), so that they arrive while something is computed.
/// Wrong ones cost time, no more.
class Requests {
 public:
  explicit Requests(int64_t most) : lines_(most + most_depth) { close(); }

  /// The lines are the parts of some planes.
  void set(const PositionVectors& at, int64_t planes, int64_t plane) {
    const int64_t parts = at.parts();
    count_ = 0;
    for (int64_t c = 0; c < planes; ++c, count_ += parts)
      for (int64_t i = 0; i < parts; ++i)
        lines_[count_ + i] = int32_t(c * plane + at.part_offset(i));
    close();
  }
  /// The lines are those of rows of a matrix, `stride` apart, whose n elements are at the offsets.
  void set(int64_t rows, int64_t stride, const int32_t* offsets, int64_t n) {
    count_ = 0;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = 0; i < n; i += line) lines_[count_++] = int32_t(r * stride + offsets[i]);
    close();
  }

  /// From now on the base is this, and lines are asked for as late as the steps before their use
  /// allow: what comes too early is gone again.
  void start(const float* base, int64_t steps) {
    constexpr int64_t margin = 2 * most_depth;
    base_ = base;
    next_ = smaller(0, count_ + margin - steps);
  }
  /// There is nothing to ask for; any address will do.
  void stop(const float* base) {
    base_ = base;
    next_ = count_;
  }
  /// What the next steps ask for, of which there are at most most_depth.
  Lines<float> take(int64_t steps) {
    const int64_t first = next_ >= 0 && next_ < count_ ? next_ : count_;
    next_ += steps;
    return {base_, lines_.data() + first};
  }

 private:
  /// Steps that are too early or too late ask for the base.
  void close() { std::memset(lines_.data() + count_, 0, size_t(most_depth) * sizeof(int32_t)); }

  Scratch<int32_t> lines_;
  int64_t count_ = 0, next_ = 0;
  const float* base_ = nullptr;
};

}  // namespace hebb::cpu::HEBB_ISA
