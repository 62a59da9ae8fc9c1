#include "core/convert.hpp"
#include "core/dtype.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"

namespace hebb::cuda {
namespace {

struct FillBody {
  int size;  // bytes of an element
  uint64_t bits;
  void* x;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    switch (size) {
      case 1:
        static_cast<uint8_t*>(x)[i] = uint8_t(bits);
        break;
      case 2:
        static_cast<uint16_t*>(x)[i] = uint16_t(bits);
        break;
      case 4:
        static_cast<uint32_t*>(x)[i] = uint32_t(bits);
        break;
      default:
        static_cast<uint64_t*>(x)[i] = bits;
    }
  }
};

struct AdvanceBody {
  int64_t by, *counts;
  HEBB_HOST_DEVICE void operator()(int64_t i) const { counts[i] += by; }
};

/// One kernel for all pairs of types: memory takes longer than the switches.
struct CastBody {
  DType from_type, to_type;
  const void* from;
  void* to;

  template <class T>
  HEBB_HOST_DEVICE void write(int64_t i, T x) const {
    switch (to_type) {
      case DType::float32:
        static_cast<float*>(to)[i] = convert<float>(x);
        break;
      case DType::float64:
        static_cast<double*>(to)[i] = convert<double>(x);
        break;
      case DType::int64:
        static_cast<int64_t*>(to)[i] = convert<int64_t>(x);
        break;
      case DType::int32:
        static_cast<int32_t*>(to)[i] = convert<int32_t>(x);
        break;
      case DType::uint8:
        static_cast<uint8_t*>(to)[i] = convert<uint8_t>(x);
        break;
      case DType::bfloat16:
        static_cast<BFloat16*>(to)[i] = convert<BFloat16>(x);
    }
  }

  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    switch (from_type) {
      case DType::float32:
        return write(i, static_cast<const float*>(from)[i]);
      case DType::float64:
        return write(i, static_cast<const double*>(from)[i]);
      case DType::int64:
        return write(i, static_cast<const int64_t*>(from)[i]);
      case DType::int32:
        return write(i, static_cast<const int32_t*>(from)[i]);
      case DType::uint8:
        return write(i, static_cast<const uint8_t*>(from)[i]);
      case DType::bfloat16:
        return write(i, to_float(static_cast<const BFloat16*>(from)[i]));
    }
  }
};

}  // namespace

void advance(Stream stream, int64_t n, int64_t by, int64_t* counts) {
  for_each(stream, n, AdvanceBody{by, counts});
}

void fill(Stream stream, int64_t n, int size, uint64_t bits, void* x) {
  for_each(stream, n, FillBody{size, bits, x});
}

void cast(Stream stream, int64_t n, DType from_type, const void* from, DType to_type, void* to) {
  for_each(stream, n, CastBody{from_type, to_type, from, to});
}

}  // namespace hebb::cuda
