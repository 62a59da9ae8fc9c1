#pragma once

#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/integers.hpp"

namespace hebb::cpu::HEBB_ISA {

/// The columns of a matrix that hold anything but zeros. A third of the columns of a batch of
/// MNIST's images holds nothing else, and products with them need not be computed.
class OccupiedColumns {
 public:
  OccupiedColumns(int64_t rows, int64_t columns, const float* x);

  int64_t count() const { return count_; }
  /// Their numbers, in ascending order.
  const int32_t* index() const { return index_.data(); }
  /// Distance between rows of a packed matrix.
  int64_t stride() const { return ceil_div(count_, 16) * 16; }
  /// Copies these columns of `from` [rows, columns] to `to` [rows, stride].
  void pack(int64_t rows, const float* from, float* to) const;
  /// The other way; the columns between become zero.
  void unpack(int64_t rows, const float* from, float* to) const;

 private:
  int64_t columns_, count_ = 0;
  Scratch<int32_t> index_;
  Scratch<uint16_t> mask_;  // one bit for each column
};

}  // namespace hebb::cpu::HEBB_ISA
