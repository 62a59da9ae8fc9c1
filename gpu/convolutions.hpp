#pragma once

#include <memory>
#include <string_view>

#include "core/dtype.hpp"
#include "core/geometry.hpp"
#include "gpu/allocator.hpp"
#include "gpu/stream.hpp"

namespace hebb::cuda {

/// A direction of a convolution with the addresses of input, weight and output (or their
/// gradients): of these three, the one that the direction computes is written.
struct Convolution {
  ConvDirection direction;
  DType dtype;
  ConvGeometry geometry;
  void *x = nullptr, *weight = nullptr, *y = nullptr;
};

/// Convolutions by cuDNN's graph API. Plans are kept by direction, type, geometry, alignment and
/// policy. float32 is strict: engines with tensor cores or down-converted inputs are left out, as
/// are those whose sums are in no fixed order, and under ConvPolicy::exact Winograd's and
/// Fourier's.
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
