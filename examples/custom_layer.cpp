// A layer with a gradient of its own: neurons that fire or do not (1 or 0), through which the
// gradient passes as if it had not been cut, where the input lies within [-1, 1] (the straight-
// through estimator, Bengio, Leonard and Courville 2013). BEAN sees the layer behind it as any
// other.

#include <hebb/hebb.hpp>

#include <cstdio>

using namespace hebb;

namespace {

Tensor fire(const Tensor& x) {
  Tensor y, passes;
  {
    const NoGrad no_grad;  // what happens here is recorded below, as one operation
    y = greater(x, Tensor::scalar(0));
    passes = less_equal(abs(x), Tensor::scalar(1));
  }
  return record("fire", y, {x}, [passes](const Tensor& dy) { return Grads{dy * passes}; });
}

class Fire final : public Module {
 public:
  std::string description() const override { return "Fire"; }
  Tensor forward(const Tensor& x, Context&) const override { return fire(x); }
};

}  // namespace

int main() {
  const DataPair data = load_dataset("digits", {.digits_train = 5000, .digits_test = 1000});

  Generator generator(1);
  Sequential model;
  model.add("flatten", Flatten())
      .add("fc1", Linear({.in = 784, .out = 200}, generator))
      .add("fire", Fire())
      .add("fc2", Linear({.in = 200, .out = 10}, generator));
  Adam adam(model.parameters(), {.lr = 1e-3});

  Trainer trainer(model, adam, make_regularizers({"bean:order=1,alpha=0.1"}), {.epochs = 5});
  trainer.on_epoch = [](const EpochMetrics& epoch) {
    std::printf("epoch %d: loss %.4f, bean %.4f, test accuracy %.1f %%\n", int(epoch.epoch),
                epoch.train.loss, epoch.penalties[0], 100 * epoch.test->accuracy);
  };
  trainer.fit({.train = &data.train, .test = &data.test});
}
