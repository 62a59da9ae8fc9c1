#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"

namespace hebb::cuda {
namespace {

struct NarrowWeightBody {  // a thread for each filter's channel: neighbours write side by side
  ConvWeight shape;
  const float* weight;
  BFloat16* narrow;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t filter = i / shape.channels, channel = i % shape.channels;
    const float* const from = weight + i * shape.positions;
    BFloat16* const to = narrow + filter * shape.positions * shape.channels + channel;
    for (int64_t p = 0; p < shape.positions; ++p) to[p * shape.channels] = to_bfloat16(from[p]);
  }
};

struct WidenWeightBody {  // a thread for each element of the weight
  ConvWeight shape;
  const BFloat16* narrow;
  float* weight;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t position = i % shape.positions, channel = i / shape.positions % shape.channels;
    const int64_t filter = i / (shape.positions * shape.channels);
    weight[i] = to_float(narrow[(filter * shape.positions + position) * shape.channels + channel]);
  }
};

}  // namespace

void narrow_weight(Stream stream, const ConvWeight& shape, const float* weight, BFloat16* narrow) {
  for_each(stream, shape.filters * shape.channels, NarrowWeightBody{shape, weight, narrow});
}

void widen_weight(Stream stream, const ConvWeight& shape, const BFloat16* narrow, float* weight) {
  for_each(stream, shape.filters * shape.channels * shape.positions,
           WidenWeightBody{shape, narrow, weight});
}

}  // namespace hebb::cuda
