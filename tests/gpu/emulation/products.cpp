// In place of cuBLASLt: the definition of a product.
#include "gpu/products.hpp"

#include <bit>

#include "core/convert.hpp"
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
double factor(BFloat16 x, Precision) { return to_float(x); }

template <class T, class Result>
void multiply(const Product& p, bool beside) {
  const auto at = [&](const Operand& x, int64_t first, int64_t row, int64_t column) {
    const int64_t i = x.transposed ? column * x.stride + row : row * x.stride + column;
    return factor(static_cast<const T*>(x.data)[first + i], p.precision);
  };
  for (int64_t r = 0; r < p.batch; ++r)
    for (int64_t i = 0; i < p.m; ++i)
      for (int64_t j = 0; j < p.n; ++j) {
        double sum =
            beside && p.bias ? convert<double>(static_cast<const Result*>(p.bias)[r * p.n + j]) : 0;
        for (int64_t k = 0; k < p.k; ++k)
          sum += at(p.a, r * p.a_step, i, k) * at(p.b, r * p.b_step, k, j);
        static_cast<Result*>(p.c)[(r * p.m + i) * p.n + j] =
            convert<Result>(beside && p.relu && sum < 0 ? 0 : sum);
      }
  for (int64_t i = 0; i < p.batch * p.m && beside && p.sums; ++i) {
    double sum = 0;
    for (int64_t k = 0; k < p.k; ++k) sum += at(p.a, i / p.m * p.a_step, i % p.m, k);
    static_cast<Result*>(p.sums)[i] = convert<Result>(sum);
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
    if (product.result == DType::bfloat16)
      cuda::multiply<BFloat16, BFloat16>(product, beside);
    else if (product.dtype == DType::bfloat16)
      cuda::multiply<BFloat16, float>(product, beside);
    else if (product.dtype == DType::float32)
      cuda::multiply<float, float>(product, beside);
    else
      cuda::multiply<double, double>(product, beside);
  });
  return beside || !(product.bias || product.relu || product.sums);
}

}  // namespace hebb::cuda
