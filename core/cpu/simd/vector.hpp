#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "core/cpu/kernels.hpp"

/// Vectors of one register's width on GCC's vector extensions. Everything is inlined; what the
/// extensions cannot say (masked loads, roots, estimates) has one branch per instruction set here
/// and nowhere else.
namespace hebb::cpu::HEBB_ISA {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
inline constexpr int vector_registers = 32;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32;
inline constexpr int vector_registers = 16;
#else
inline constexpr int vector_bytes = 16;
inline constexpr int vector_registers = 16;
#endif

namespace detail {
template <class T>
struct Element;
template <>
struct Element<float> {
  using Integer = int32_t;
  typedef float Raw __attribute__((vector_size(vector_bytes)));
  typedef int32_t Bits __attribute__((vector_size(vector_bytes)));
  typedef float Loose __attribute__((vector_size(vector_bytes), aligned(4), may_alias));
};
template <>
struct Element<double> {
  using Integer = int64_t;
  typedef double Raw __attribute__((vector_size(vector_bytes)));
  typedef int64_t Bits __attribute__((vector_size(vector_bytes)));
  typedef double Loose __attribute__((vector_size(vector_bytes), aligned(8), may_alias));
};
}  // namespace detail

/// `lanes` numbers of type T, float or double.
template <class T>
struct Vec {
  using Raw = typename detail::Element<T>::Raw;
  /// A comparison's result: all ones or all zeros in each lane.
  using Mask = typename detail::Element<T>::Bits;
  static constexpr int64_t lanes = vector_bytes / int64_t(sizeof(T));

  Raw v;

  Vec() = default;
  Vec(Raw raw) : v(raw) {}
  Vec(T value) : v(value - Raw{}) {}

  T operator[](int64_t lane) const { return v[lane]; }
  Mask bits() const { return reinterpret_cast<Mask>(v); }
  static Vec from_bits(Mask bits) { return reinterpret_cast<Raw>(bits); }

  friend Vec operator+(Vec a, Vec b) { return a.v + b.v; }
  friend Vec operator-(Vec a, Vec b) { return a.v - b.v; }
  friend Vec operator*(Vec a, Vec b) { return a.v * b.v; }
  friend Vec operator/(Vec a, Vec b) { return a.v / b.v; }
  friend Vec operator-(Vec a) { return -a.v; }
  Vec& operator+=(Vec b) { return v += b.v, *this; }
  Vec& operator-=(Vec b) { return v -= b.v, *this; }
  Vec& operator*=(Vec b) { return v *= b.v, *this; }

  friend Mask operator<(Vec a, Vec b) { return a.v < b.v; }
  friend Mask operator>(Vec a, Vec b) { return a.v > b.v; }
  friend Mask operator<=(Vec a, Vec b) { return a.v <= b.v; }
  friend Mask operator>=(Vec a, Vec b) { return a.v >= b.v; }
  friend Mask operator==(Vec a, Vec b) { return a.v == b.v; }
  friend Mask operator!=(Vec a, Vec b) { return a.v != b.v; }
};

template <class T>
inline Vec<T> load(const T* p) {
  return typename Vec<T>::Raw(*reinterpret_cast<const typename detail::Element<T>::Loose*>(p));
}

template <class T>
inline void store(T* p, Vec<T> a) {
  *reinterpret_cast<typename detail::Element<T>::Loose*>(p) = a.v;
}

#if defined(__AVX512F__)
inline Vec<float> load(const float* p, int64_t n) {
  return Vec<float>(_mm512_maskz_loadu_ps(__mmask16((1u << n) - 1), p));
}
inline Vec<double> load(const double* p, int64_t n) {
  return Vec<double>(_mm512_maskz_loadu_pd(__mmask8((1u << n) - 1), p));
}
inline void store(float* p, Vec<float> a, int64_t n) {
  _mm512_mask_storeu_ps(p, __mmask16((1u << n) - 1), a.v);
}
inline void store(double* p, Vec<double> a, int64_t n) {
  _mm512_mask_storeu_pd(p, __mmask8((1u << n) - 1), a.v);
}
#elif defined(__AVX2__)
namespace detail {
inline __m256i first_lanes32(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(int(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline __m256i first_lanes64(int64_t n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
}  // namespace detail
inline Vec<float> load(const float* p, int64_t n) {
  return Vec<float>(_mm256_maskload_ps(p, detail::first_lanes32(n)));
}
inline Vec<double> load(const double* p, int64_t n) {
  return Vec<double>(_mm256_maskload_pd(p, detail::first_lanes64(n)));
}
inline void store(float* p, Vec<float> a, int64_t n) {
  _mm256_maskstore_ps(p, detail::first_lanes32(n), a.v);
}
inline void store(double* p, Vec<double> a, int64_t n) {
  _mm256_maskstore_pd(p, detail::first_lanes64(n), a.v);
}
#else
/// The first n lanes from memory, 0 <= n <= lanes, and zeros; nothing behind them is touched.
template <class T>
inline Vec<T> load(const T* p, int64_t n) {
  Vec<T> a = T(0);
#pragma GCC unroll 16
  for (int64_t i = 0; i < a.lanes; ++i)
    if (i < n) a.v[i] = p[i];
  return a;
}
/// The first n lanes to memory; nothing behind them is touched.
template <class T>
inline void store(T* p, Vec<T> a, int64_t n) {
#pragma GCC unroll 16
  for (int64_t i = 0; i < a.lanes; ++i)
    if (i < n) p[i] = a.v[i];
}
#endif

namespace detail {
template <class T>
struct Computed {
  using Type = T;
};
template <>
struct Computed<Bfloat16> {
  using Type = float;
};
}  // namespace detail

/// What elements of type T are computed in.
template <class T>
using Number = typename detail::Computed<T>::Type;

#if defined(__AVX512BF16__)
// For machines that have it. Stores round to the nearest, ties to even; subnormals become zero.
inline Vec<float> load(const Bfloat16* p) {
  const __m256i bits = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return Vec<float>(_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16)));
}
inline Vec<float> load(const Bfloat16* p, int64_t n) {
  const __m256i bits = _mm256_maskz_loadu_epi16(__mmask16((1u << n) - 1), p);
  return Vec<float>(_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16)));
}
inline void store(Bfloat16* p, Vec<float> a) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(a.v)));
}
inline void store(Bfloat16* p, Vec<float> a, int64_t n) {
  _mm256_mask_storeu_epi16(p, __mmask16((1u << n) - 1),
                           reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(a.v)));
}
#endif

/// Where the mask is set a, elsewhere b.
template <class T>
inline Vec<T> select(typename Vec<T>::Mask mask, Vec<T> a, Vec<T> b) {
  return mask ? a.v : b.v;
}

/// b where either is NaN, as the machine's own instruction.
template <class T>
inline Vec<T> max(Vec<T> a, Vec<T> b) {
  return a.v > b.v ? a.v : b.v;
}
template <class T>
inline Vec<T> min(Vec<T> a, Vec<T> b) {
  return a.v < b.v ? a.v : b.v;
}

template <class T>
inline Vec<T> abs(Vec<T> a) {
  using I = typename detail::Element<T>::Integer;
  return Vec<T>::from_bits(a.bits() & std::numeric_limits<I>::max());
}

template <class T>
inline Vec<T> copy_sign(Vec<T> magnitude, Vec<T> sign) {
  using I = typename detail::Element<T>::Integer;
  return Vec<T>::from_bits((magnitude.bits() & std::numeric_limits<I>::max()) |
                           (sign.bits() & std::numeric_limits<I>::min()));
}

namespace detail {

template <class T>
using Lanes = std::make_integer_sequence<int, int(Vec<T>::lanes)>;

template <int distance, class T, class F, int... i>
inline Vec<T> fold(Vec<T> a, F f, std::integer_sequence<int, i...> sequence) {
  if constexpr (distance == 0)
    return a;
  else
    return fold<distance / 2>(
        Vec<T>(f(a, Vec<T>(__builtin_shufflevector(a.v, a.v, (i ^ distance)...)))), f, sequence);
}

/// Transposes the blocks of 2 step lanes: blocks of step lanes change places across the diagonal.
template <int step, class T, int... i>
inline void transpose_blocks(Vec<T>* row, std::integer_sequence<int, i...> sequence) {
  constexpr int lanes = sizeof...(i);
  if constexpr (step < lanes) {
#pragma GCC unroll 16
    for (int r = 0; r < lanes; ++r) {
      if (r & step) continue;
      const Vec<T> a = row[r], b = row[r + step];
      row[r] = Vec<T>(__builtin_shufflevector(a.v, b.v, (i & step ? lanes + i - step : i)...));
      row[r + step] =
          Vec<T>(__builtin_shufflevector(a.v, b.v, (i & step ? lanes + i : i + step)...));
    }
    transpose_blocks<2 * step>(row, sequence);
  }
}

template <class T, int... i>
inline void split_pairs(Vec<T> a, Vec<T> b, Vec<T>& even, Vec<T>& odd,
                        std::integer_sequence<int, i...>) {
  even = Vec<T>(__builtin_shufflevector(a.v, b.v, (2 * i)...));
  odd = Vec<T>(__builtin_shufflevector(a.v, b.v, (2 * i + 1)...));
}

template <class T, int... i>
inline void join_pairs(Vec<T> even, Vec<T> odd, Vec<T>& a, Vec<T>& b,
                       std::integer_sequence<int, i...>) {
  constexpr int lanes = sizeof...(i);
  a = Vec<T>(__builtin_shufflevector(even.v, odd.v, (i / 2 + i % 2 * lanes)...));
  b = Vec<T>(__builtin_shufflevector(even.v, odd.v, (lanes / 2 + i / 2 + i % 2 * lanes)...));
}

}  // namespace detail

/// All lanes taken together by f: halves are folded until one lane is left.
template <class T, class F>
inline T fold_lanes(Vec<T> a, F f) {
  return detail::fold<int(Vec<T>::lanes / 2)>(a, f, detail::Lanes<T>()).v[0];
}

template <class T>
inline T sum(Vec<T> a) {
  return fold_lanes(a, [](Vec<T> u, Vec<T> v) { return u + v; });
}

/// Transposes the matrix of `lanes` vectors in place.
template <class T>
inline void transpose(Vec<T> (&row)[Vec<T>::lanes]) {
  detail::transpose_blocks<1>(row, detail::Lanes<T>());
}

/// The elements with even and odd numbers of the 2 lanes elements of a and b.
template <class T>
inline void split_pairs(Vec<T> a, Vec<T> b, Vec<T>& even, Vec<T>& odd) {
  detail::split_pairs(a, b, even, odd, detail::Lanes<T>());
}

/// The inverse of split_pairs.
template <class T>
inline void join_pairs(Vec<T> even, Vec<T> odd, Vec<T>& a, Vec<T>& b) {
  detail::join_pairs(even, odd, a, b, detail::Lanes<T>());
}

/// a, with lanes of b in it: where index[i] >= lanes, lane i is b's lane index[i] - lanes.
/// Elsewhere index[i] must be i.
inline Vec<float> insert_lanes(Vec<float> a, Vec<float>::Mask index, Vec<float> b) {
#if defined(__AVX512F__)
  return Vec<float>(_mm512_permutex2var_ps(a.v, reinterpret_cast<__m512i>(index), b.v));
#elif defined(__AVX2__)
  const __m256i i = reinterpret_cast<__m256i>(index);
  const __m256 from_b = _mm256_castsi256_ps(_mm256_slli_epi32(i, 28));
  return Vec<float>(_mm256_blendv_ps(a.v, _mm256_permutevar8x32_ps(b.v, i), from_b));
#elif defined(__SSE4_1__)
  const __m128i i = reinterpret_cast<__m128i>(index);
  const __m128 from_b = _mm_castsi128_ps(_mm_slli_epi32(i, 29));
  const __m128i bytes =
      _mm_add_epi32(_mm_mullo_epi32(i, _mm_set1_epi32(0x04040404)), _mm_set1_epi32(0x03020100));
  const __m128i moved = _mm_shuffle_epi8(_mm_castps_si128(b.v), bytes);
  return Vec<float>(_mm_blendv_ps(a.v, _mm_castsi128_ps(moved), from_b));
#else
  for (int64_t i = 0; i < a.lanes; ++i)
    if (index[i] >= a.lanes) a.v[i] = b.v[index[i] - a.lanes];
  return a;
#endif
}

/// The largest lane; NaN if any lane is.
template <class T>
inline T max_lane(Vec<T> a) {
  T best = a.v[0];
  for (int64_t i = 1; i < Vec<T>::lanes; ++i)
    if (!(a.v[i] <= best) && best == best) best = a.v[i];
  return best;
}

inline Vec<float> sqrt(Vec<float> a) {
#if defined(__AVX512F__)
  return Vec<float>(_mm512_maskz_sqrt_ps(0xffff, a.v));
#elif defined(__AVX__)
  return Vec<float>(_mm256_sqrt_ps(a.v));
#elif defined(__SSE2__)
  return Vec<float>(_mm_sqrt_ps(a.v));
#else
  for (int64_t i = 0; i < a.lanes; ++i) a.v[i] = __builtin_sqrtf(a.v[i]);
  return a;
#endif
}

inline Vec<double> sqrt(Vec<double> a) {
#if defined(__AVX512F__)
  return Vec<double>(_mm512_maskz_sqrt_pd(0xff, a.v));
#elif defined(__AVX__)
  return Vec<double>(_mm256_sqrt_pd(a.v));
#elif defined(__SSE2__)
  return Vec<double>(_mm_sqrt_pd(a.v));
#else
  for (int64_t i = 0; i < a.lanes; ++i) a.v[i] = __builtin_sqrt(a.v[i]);
  return a;
#endif
}

}  // namespace hebb::cpu::HEBB_ISA
