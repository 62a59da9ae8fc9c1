#pragma once

#include <bit>
#include <cstddef>

/// The sizes of the blocks that caching allocators hand out, numbered.
namespace hebb {

inline constexpr int block_bins = 4 * 40;

/// The smallest size that holds `bytes`, in whole units. Four sizes for each power of two: at most
/// a quarter of a block is unused.
constexpr int block_bin(size_t bytes, size_t unit) {
  const size_t units = (bytes + unit - 1) / unit;
  if (units <= 4) return int(units ? units - 1 : 0);
  const int power = std::bit_width(units - 1) - 1;    // 2^power <= units - 1
  const size_t quarter = (units - 1) >> (power - 2);  // 4..7
  return 4 * (power - 1) + int(quarter) - 4;
}

constexpr size_t block_size(int bin, size_t unit) {
  if (bin < 4) return size_t(bin + 1) * unit;
  const int power = bin / 4 + 1;
  return (size_t(bin % 4 + 4 + 1) << (power - 2)) * unit;
}

}  // namespace hebb
