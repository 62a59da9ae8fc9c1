// A regularizer of one's own: the activations of each dense layer's neurons are decorrelated, after
// Cogswell et al. (ICLR 2016). It takes ten lines, and trains beside those of the library.

#include <cstdio>

#include "core/core.hpp"
#include "data/synthetic.hpp"
#include "layers/layers.hpp"
#include "optim/optim.hpp"
#include "regularizers/regularizers.hpp"

using namespace hebb;

class DeCov final : public Regularizer {
 public:
  explicit DeCov(double strength) : strength_(strength) {}
  std::string name() const override { return "decov"; }
  Tensor penalty(std::span<const DenseTap> taps) const override {
    Tensor total;
    for (const DenseTap& tap : taps) {
      if (tap.raw_input) continue;
      const Tensor centered = tap.input - mean(tap.input, {0}, {.keep_axes = true});
      const Tensor covariance =
          matmul(centered, centered, {.transpose_a = true}) / double(tap.input.size(0));
      const Tensor variance = mean(square(centered), {0});
      const Tensor penalty = (sum_square(covariance) - sum_square(variance)) * (strength_ / 2);
      total = total.defined() ? total + penalty : penalty;
    }
    return total;
  }

 private:
  double strength_;
};

int main() {
  const Dataset train = digits({.samples = 4000, .seed = 1});
  const Dataset test = digits({.samples = 1000, .seed = 1, .first = 4000});

  Sequential model = mlp({784, 100, 10});
  Adam adam(model.parameters(), {.lr = 1e-3});
  Regularizers regularizers;
  regularizers.push_back(std::make_unique<DeCov>(1e-2));
  regularizers.push_back(make_regularizer("bean:order=1,alpha=0.1"));

  Trainer trainer(model, adam, std::move(regularizers), {.epochs = 5});
  trainer.on_epoch = [&](const EpochMetrics& epoch) {
    std::printf("epoch %d: loss %.4f, decov %.4f, bean %.4f, test accuracy %.3f\n",
                int(epoch.epoch), epoch.train.loss, epoch.penalties[0], epoch.penalties[1],
                epoch.test->accuracy);
  };
  trainer.fit({.train = &train, .test = &test});
}
