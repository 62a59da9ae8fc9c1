#include <utility>

#include "core/cpu/gemm/kernel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

/// C tile of `rows` rows and `vectors` vectors; with `tail`, the last vector has `last` lanes.
template <int rows, int vectors, bool tail, class T, class A, class B>
void gemm_tile(int64_t k, A a, B b, const TileOutput<T>& out, int64_t last) {
  using V = Vec<T>;
  V sum[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j) sum[i][j] = V(T(0));

      // The tile of C is on its way into the cache while the products are summed.
#pragma GCC unroll 1
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j) __builtin_prefetch(out.c + i * out.stride + j * V::lanes, 1);

  for (int64_t p = 0; p < k; ++p) {
    const T* row = b[p];
    V right[vectors];
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j)
      right[j] =
          tail && j == vectors - 1 ? load(row + j * V::lanes, last) : load(row + j * V::lanes);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      const V left = a(i, p);
#pragma GCC unroll 8
      for (int j = 0; j < vectors; ++j) sum[i][j] += left * right[j];
    }
  }

  // Each step over the whole tile: one branch, and less code, than all steps for each vector.
  const TileOutput<T> to = out;
  const auto each = [&](auto&& step) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
      for (int j = 0; j < vectors; ++j) step(sum[i][j], i, j);
  };
  const auto read = [&](const T* p, int j) {
    p += j * V::lanes;
    return tail && j == vectors - 1 ? load(p, last) : load(p);
  };
  if (to.alpha != T(1)) each([&](V& x, int, int) { x *= V(to.alpha); });
  if (to.beta != T(0))
    each([&](V& x, int i, int j) { x += V(to.beta) * read(to.c + i * to.stride, j); });
  if (to.row_bias) each([&](V& x, int i, int) { x += V(to.row_bias[i]); });
  if (to.column_bias) each([&](V& x, int, int j) { x += read(to.column_bias, j); });
  each([&](V& x, int i, int j) {
    T* c = to.c + i * to.stride + j * V::lanes;
    if (tail && j == vectors - 1)
      store(c, x, last);
    else
      store(c, x);
  });
}

/// Whether such tiles are ever asked for.
template <class B>
constexpr bool has_tiles(int vectors, bool tail) {
  if constexpr (requires { B::vectors; }) return vectors == B::vectors && !tail;
  return true;
}

template <class T, class A, class B>
constexpr TileTable<T, A, B> make_table() {
  constexpr auto entry = []<int r, int log_v, bool t>() -> TileFunction<T, A, B> {
    if constexpr ((r << log_v) <= max_accumulators && (t || full_tile_pays(r << log_v)) &&
                  has_tiles<B>(1 << log_v, t))
      return gemm_tile<r, 1 << log_v, t, T, A, B>;
    else
      return nullptr;
  };
  return [entry]<int... i>(std::integer_sequence<int, i...>) {
    return TileTable<T, A, B>{{entry.template operator()<i / 8 + 1, i % 8 / 2, i % 2 == 1>()...}};
  }
  (std::make_integer_sequence<int, max_tile_rows * 8>());
}

}  // namespace

template <class T, class A, class B>
constinit const TileTable<T, A, B> TileTable<T, A, B>::all = make_table<T, A, B>();

template struct TileTable<float, RowMajor<float>, StridedRows<float>>;
template struct TileTable<float, RowMajor<float>, OffsetRows<float>>;
template struct TileTable<float, ColumnMajor<float>, StridedRows<float>>;
template struct TileTable<float, Gathered<float>, StridedRows<float>>;
template struct TileTable<float, Gathered<float>, ForeseeingRows<float>>;

}  // namespace hebb::cpu::HEBB_ISA
