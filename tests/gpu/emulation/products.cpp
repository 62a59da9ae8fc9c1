// In place of cuBLASLt: the definition of a product.
#include "gpu/products.hpp"

#include <bit>

#include "gpu/launch.hpp"
#include "tests/gpu/emulation/emulation.hpp"

namespace hebb::cuda {
namespace {

/// To 10 bits of fraction, to the nearest and ties to even, as TF32 has.
float round_to_tf32(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  return std::bit_cast<float>((bits + 0xfff + (bits >> 13 & 1)) & ~0x1fffu);
}

double factor(float x, Precision precision) {
  return precision == Precision::tf32 ? round_to_tf32(x) : x;
}
double factor(double x, Precision) { return x; }

template <class T>
void multiply(const Product& p, bool beside) {
  const auto at = [&](const Operand& x, int64_t first, int64_t row, int64_t column) {
    const int64_t i = x.transposed ? column * x.stride + row : row * x.stride + column;
    return factor(static_cast<const T*>(x.data)[first + i], p.precision);
  };
  for (int64_t r = 0; r < p.batch; ++r)
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t j = 0; j < p.n; ++j) {
        double sum = beside && p.bias ? double(static_cast<const T*>(p.bias)[r * p.n + j]) : 0;
        for (int64_t k = 0; k < p.k; ++k)
          sum += at(p.a, r * p.a_step, i, k) * at(p.b, r * p.b_step, k, j);
        static_cast<T*>(p.c)[(r * p.m + i) * p.n + j] = T(beside && p.relu && sum < 0 ? 0 : sum);
      }
  for (int64_t i = 0; i < p.batch * p.m && beside && p.sums; ++i) {
    double sum = 0;
    for (int64_t k = 0; k < p.k; ++k) sum += at(p.a, i / p.m * p.a_step, i % p.m, k);
    static_cast<T*>(p.sums)[i] = T(sum);
  }
}

}  // namespace

struct Products::Plans {
  Stream stream;
};
Products::Products(Stream stream, CachingAllocator&) : plans_(new Plans{stream}) {}
Products::~Products() = default;

bool Products::multiply(const Product& product) {
  const bool beside = emulation.epilogues;
  ask(plans_->stream, [=] {
    if (product.dtype == DType::float32)
      cuda::multiply<float>(product, beside);
    else
      cuda::multiply<double>(product, beside);
  });
  return beside || !(product.bias || product.relu || product.sums);
}

}  // namespace hebb::cuda
