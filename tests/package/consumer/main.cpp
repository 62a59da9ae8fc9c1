// A program of someone who uses Hebb: a small network learns some digits.
#include <cstdio>
#include <hebb/hebb.hpp>

int main() {
  using namespace hebb;
  const DataPair data = load_dataset("digits", {.digits_train = 200, .digits_test = 10});
  Sequential model = mlp({784, 16, 10}, {.generator = Generator(1)});
  Adam optimizer(model.parameters(), {.lr = 1e-2});
  const Regularizers regularizers = make_regularizers({"bean:order=1,alpha=1"});
  const auto correct = [&] {
    double count = 0;
    for (const Batch& batch : Loader(data.train, {.batch_size = 50, .shuffle = false}))
      count += count_equal(argmax(model(batch.images), 1), batch.labels).item();
    return count;
  };
  const double before = correct();
  for (int epoch = 0; epoch < 5; ++epoch)
    for (const Batch& batch : Loader(data.train, {.batch_size = 20, .seed = uint64_t(epoch)}))
      train_step(model, optimizer, regularizers, batch, {});
  const double after = correct();
  std::printf("Hebb %s: %.0f of 200 before, %.0f after\n", version().data(), before, after);
  return after > before + 50 ? 0 : 1;
}
