#include "core/cpu/gemm/block_product.hpp"

namespace hebb::cpu::HEBB_ISA::bfloat16 {
namespace {

void begin(const BlockProduct& q) {
  const size_t bytes = size_t(q.c.stride) * sizeof(float);
  asm volatile("" ::: "memory");  // GCC does not know that tiles are loaded from memory
  if (q.add) {
    _tile_loadd(0, q.c.tile[0][0], bytes);
    _tile_loadd(1, q.c.tile[0][1], bytes);
    _tile_loadd(2, q.c.tile[1][0], bytes);
    _tile_loadd(3, q.c.tile[1][1], bytes);
  } else if (q.row) {
    _tile_loadd(0, q.row, 0);
    _tile_loadd(1, q.row + side, 0);
    _tile_loadd(2, q.row, 0);
    _tile_loadd(3, q.row + side, 0);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
}

void end(const BlockProduct& q) {
  const size_t bytes = size_t(q.c.stride) * sizeof(float);
  _tile_stored(0, q.c.tile[0][0], bytes);
  _tile_stored(1, q.c.tile[0][1], bytes);
  _tile_stored(2, q.c.tile[1][0], bytes);
  _tile_stored(3, q.c.tile[1][1], bytes);
}

}  // namespace

void multiply_on_tiles(const BlockProduct& q) {
  const size_t a = size_t(q.left.row_bytes), b = size_t(q.right.row_bytes);
  begin(q);
  for (int64_t s = 0; s < q.steps; ++s) {
    _tile_loadd(4, q.left.at(s, 0), a);
    _tile_loadd(6, q.right.at(s, 0), b);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, q.right.at(s, 1), b);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, q.left.at(s, 1), a);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  end(q);
}

}  // namespace hebb::cpu::HEBB_ISA::bfloat16
