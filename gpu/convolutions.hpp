#pragma once

#include <memory>
#include <string_view>

#include "core/dtype.hpp"
#include "core/geometry.hpp"
#include "gpu/allocator.hpp"
#include "gpu/stream.hpp"

namespace hebb::cuda {

/// A direction of a convolution with the addresses of input, weight and output (or their
/// gradients): of these three, the one that the direction computes is written. Of bfloat16, all
/// three have their channels side by side: [N, H, W, C] and, the weight, [O, KH, KW, C].
struct Convolution {
  ConvDirection direction;
  DType dtype;
  ConvGeometry geometry;
  Precision precision = Precision::fp32;  // of float32: fp32 or tf32
  void *x = nullptr, *weight = nullptr, *y = nullptr;
};

/// Convolutions by cuDNN's graph API. Plans are kept by direction, type, precision, geometry,
/// alignment and policy. Engines with down-converted inputs are left out, as are those whose sums
/// are in no fixed order, under Precision::fp32 those with tensor cores, which multiply float32 as
/// TF32, and under ConvPolicy::exact Winograd's and Fourier's. bfloat16 is added up in float32.
class Convolutions {
 public:
  Convolutions(Stream stream, CachingAllocator& memory);
  ~Convolutions();
  /// False when cuDNN has no engine for it.
  bool run(const Convolution& convolution);
  /// The engine that `run` takes for 16-byte aligned tensors, "cudnn-<number>"; empty when none.
  std::string_view engine(const Convolution& convolution);

 private:
  struct Plans;
  std::unique_ptr<Plans> plans_;
};

}  // namespace hebb::cuda
