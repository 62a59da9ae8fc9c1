#include "layers/models/resnet.hpp"

#include "core/check.hpp"
#include "layers/conv_batch_norm.hpp"
#include "layers/flatten.hpp"
#include "layers/linear.hpp"
#include "layers/pooling.hpp"
#include "layers/sequential.hpp"

namespace hebb {
namespace {

using Stem = ResNetOptions::Stem;

Stem stem_for(const ResNetOptions& options) {
  const int64_t height = options.input[1];
  if (options.stem != Stem::by_size) return options.stem;
  return height <= 48 ? Stem::small : height <= 128 ? Stem::medium : Stem::large;
}

/// Makes the convolutions, one after the other.
struct Kernels {
  Initializer init;
  Generator generator;

  explicit Kernels(const ResNetOptions& options)
      : init(options.init), generator(options.generator) {
    if (init.kind == Initializer::Kind::pytorch) init.kind = Initializer::Kind::he_fan_out;
  }
  Conv2d conv(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
    return Conv2d({.in = in,
                   .out = out,
                   .kernel = kernel,
                   .stride = stride,
                   .padding = kernel / 2,
                   .bias = false,
                   .init = init},
                  generator);
  }
};

/// What takes a block's input to the shape of its output: a 1×1 convolution, normalised.
class Downsample final : public Module {
 public:
  Downsample(int64_t in, int64_t out, int64_t stride, Kernels& kernels)
      : conv_(add_module("0", kernels.conv(in, out, 1, stride))),
        norm_(add_module("1", BatchNorm2d({.channels = out}))) {}
  std::string description() const override { return "Downsample"; }
  Tensor forward(const Tensor& x, Context& context) const override {
    return conv_batch_norm(conv_, norm_, x, context);
  }

 private:
  const Conv2d& conv_;
  const BatchNorm2d& norm_;
};

class BasicBlock final : public Module {
 public:
  BasicBlock(int64_t in, int64_t out, int64_t stride, Kernels& kernels)
      : conv1_(add_module("conv1", kernels.conv(in, out, 3, stride))),
        bn1_(add_module("bn1", BatchNorm2d({.channels = out}))),
        conv2_(add_module("conv2", kernels.conv(out, out, 3, 1))),
        bn2_(add_module("bn2", BatchNorm2d({.channels = out, .weight = kernels.init.residual}))) {
    if (stride != 1 || in != out)
      downsample_ = &add_module("downsample", Downsample(in, out, stride, kernels));
  }
  std::string description() const override { return "BasicBlock"; }
  Tensor forward(const Tensor& x, Context& context) const override {
    const Tensor inner = conv_batch_norm(conv1_, bn1_, x, context, {.relu = true});
    const Tensor residual = downsample_ ? (*downsample_)(x, context) : x;
    return conv_batch_norm(conv2_, bn2_, inner, context, {.relu = true, .residual = residual});
  }

 private:
  const Conv2d& conv1_;
  const BatchNorm2d& bn1_;
  const Conv2d& conv2_;
  const BatchNorm2d& bn2_;
  const Downsample* downsample_ = nullptr;
};

Sequential stage(int blocks, int64_t in, int64_t out, Kernels& kernels) {
  Sequential net;
  for (int i = 0; i < blocks; ++i) {
    const int64_t stride = i == 0 && in != out ? 2 : 1;
    net.add(std::to_string(i), BasicBlock(i == 0 ? in : out, out, stride, kernels));
  }
  return net;
}

}  // namespace

ResNet::ResNet(const std::array<int, 4>& blocks, const ResNetOptions& options) {
  const Shape& input = options.input;
  check<ShapeError>(input.rank() == 3 && input.numel() > 0,
                    "[resnet] expected images [C, H, W], got {}", input);
  check<ValueError>(options.width >= 1, "[resnet] expected a width of at least 1, got {}",
                    options.width);
  const Stem stem = stem_for(options);
  Kernels kernels(options);
  unflatten_ = &add_module("unflatten", Unflatten(input));
  conv1_ = &add_module("conv1", kernels.conv(input[0], options.width, stem == Stem::large ? 7 : 3,
                                             stem == Stem::small ? 1 : 2));
  bn1_ = &add_module("bn1", BatchNorm2d({.channels = options.width}));
  if (stem == Stem::large)
    rest_.push_back(&add_module("maxpool", MaxPool2d({.kernel = 3, .stride = 2, .padding = 1})));
  int64_t in = options.width;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const int64_t out = options.width << i;
    rest_.push_back(&add_module(fmt::format("layer{}", i + 1), stage(blocks[i], in, out, kernels)));
    in = out;
  }
  rest_.push_back(&add_module("avgpool", GlobalAvgPool2d()));
  rest_.push_back(&add_module(
      "fc", Linear({.in = in, .out = options.classes, .init = options.init}, kernels.generator)));
}

Tensor ResNet::forward(const Tensor& x, Context& context) const {
  Tensor y = (*unflatten_)(x, context);
  y = conv_batch_norm(*conv1_, *bn1_, y, context, {.relu = true});
  for (const Module* module : rest_) y = (*module)(y, context);
  return y;
}

ResNet resnet18(const ResNetOptions& options) { return ResNet({2, 2, 2, 2}, options); }

}  // namespace hebb
