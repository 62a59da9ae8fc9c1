#pragma once

#include <array>
#include <vector>

#include "core/api.hpp"
#include "layers/init.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

class BatchNorm2d;
class Conv2d;

struct ResNetOptions {
  Shape input = {3, 32, 32};  ///< [C, H, W].
  int64_t classes = 10;
  int64_t width = 64;  ///< Channels of the first stage; each has twice as many as the one before.
  /// What brings images down to the planes of the first stage.
  enum class Stem {
    by_size,  ///< small for H up to 48, medium up to 128, large above.
    small,    ///< 3×3: for CIFAR's 32×32.
    medium,   ///< 3×3 with stride 2: for Tiny ImageNet's 64×64, as Verma et al. 2019 have it.
    large,    ///< 7×7 with stride 2 and max-pooling 3×3 with stride 2: for ImageNet's 224×224.
  } stem = Stem::by_size;
  /// Initializer::Kind::pytorch is what torchvision has: kernels as by he_fan_out.
  Initializer init = {};
  Generator generator = Generator(0);  ///< Decides the initial weights.
};

/// A residual network of basic blocks (He et al. 2016) in four stages, of 64, 128, 256 and 512
/// channels unless `width` says otherwise, with torchvision's names
/// ("layer2.0.downsample.1.running_var"). The pooled features [S, 8 · width] enter the one dense
/// layer, fc: they are the neurons that BEAN sees.
class ResNet final : public Module {
 public:
  /// `blocks` for each stage. ShapeError for an input that is no image, ValueError for a width
  /// below 1.
  ResNet(const std::array<int, 4>& blocks, const ResNetOptions& options);

  std::string description() const override { return "ResNet"; }
  /// Takes [S, C, H, W] or [S, C·H·W].
  Tensor forward(const Tensor& x, Context& context) const override;

 private:
  const Module* unflatten_;
  const Conv2d* conv1_;
  const BatchNorm2d* bn1_;
  std::vector<const Module*> rest_;  // in their order
};

/// ResNet-18: two blocks in each stage. With the stem for small images it is the published code's
/// of BEAN, and has 11,173,962 parameters for CIFAR-10.
ResNet resnet18(const ResNetOptions& options = {});

}  // namespace hebb
