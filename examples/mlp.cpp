// mlp FILE: trains a multilayer perceptron on the digits that come with Hebb, says how many new
// ones it reads, and keeps its weights in FILE.

#include <hebb/hebb.hpp>

#include <cstdio>

int main(int argc, char** argv) try {
  using namespace hebb;
  if (argc != 2) return std::fputs("usage: mlp FILE.safetensors\n", stderr), 2;
  const DataPair data = load_dataset("digits", {.digits_train = 5000, .digits_test = 1000});

  Sequential model = mlp({784, 128, 10}, {.dropout = 0.2, .generator = Generator(1)});
  Adam optimizer(model.parameters(), {.lr = 1e-3});
  Generator dropout(2);
  Loader batches(data.train, {.batch_size = 50, .seed = 3});
  for (int epoch = 1; epoch <= 10; ++epoch) {
    double loss = 0;
    for (const Batch& batch : batches) {
      Context context{.training = true, .generator = &dropout};
      const Tensor step_loss = cross_entropy(model(batch.images, context), batch.labels);
      step_loss.backward();
      optimizer.step();
      optimizer.zero_grad();
      loss += step_loss.item() * double(batch.size());
    }
    std::printf("epoch %d: loss %.4f\n", epoch, loss / double(data.train.size()));
  }

  double correct = 0;
  for (const Batch& batch : Loader(data.test, {.batch_size = 100, .shuffle = false}))
    correct += count_equal(argmax(model(batch.images), 1), batch.labels).item();
  std::printf("test accuracy %.1f %%\n", 100 * correct / double(data.test.size()));
  save_safetensors(argv[1], model.state(), {{"model", "mlp:784-128-10"}});
} catch (const std::exception& error) {
  return std::fprintf(stderr, "mlp: %s\n", error.what()), 1;
}
