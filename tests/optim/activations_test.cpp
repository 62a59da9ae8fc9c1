#include <vector>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/ops/ops.hpp"
#include "core/precision.hpp"
#include "layers/models/lenet5.hpp"
#include "layers/models/resnet.hpp"
#include "optim/sgd.hpp"
#include "optim/train_step.hpp"
#include "regularizers/parse.hpp"
#include "tests/catch.hpp"

/// Networks whose activations are of bfloat16, on every processor.
using namespace hebb;

namespace {

Tensor random(const Shape& shape, uint64_t seed) {
  Generator generator(seed);
  const Tensor x = Tensor::empty(shape);
  fill_uniform(x, -1, 1, generator);
  return x;
}

struct Course {
  std::vector<double> losses;
  std::vector<float> weights;
};

/// Steps of training with batches in this type.
Course train(const Module& net, const Shape& input, DType dtype, int steps, double lr) {
  Sgd sgd(net.parameters(), {.lr = lr, .momentum = 0.9});
  const Tensor x = random(input.inserted(0, 20), 2).to(dtype);
  std::vector<int64_t> classes(20);
  for (size_t i = 0; i < classes.size(); ++i) classes[i] = int64_t(i % 10);
  const Batch batch{x, Tensor::from(classes, {20}), {}};
  const Regularizers regularizers = make_regularizers({"bean:order=1"}, net.parameters());
  Course course;
  for (int step = 0; step < steps; ++step) {
    const TrainStep result = train_step(net, sgd, regularizers, batch, {});
    CHECK(result.logits.dtype() == dtype);
    CHECK(result.loss.dtype() == DType::float32);
    course.losses.push_back(result.loss.item());
  }
  for (const NamedTensor& parameter : net.parameters()) {
    CHECK(parameter.tensor.dtype() == DType::float32);
    const std::vector<float> values = parameter.tensor.to_vector<float>();
    course.weights.insert(course.weights.end(), values.begin(), values.end());
  }
  return course;
}

/// Of float32 the loss falls to this part of what it was.
void check_course(double part, const std::function<Course(DType)>& train_in) {
  const Course single = train_in(DType::float32), half = train_in(DType::bfloat16);
  CHECK(single.losses.back() < part * single.losses.front());
  for (size_t i = 0; i < single.losses.size(); ++i)
    CHECK(half.losses[i] == Approx(single.losses[i]).epsilon(0.05));
  CHECK(half.weights != single.weights);
  CHECK(train_in(DType::bfloat16).weights == half.weights);
}

}  // namespace

TEST_CASE("a ResNet with activations of bfloat16 trains as one of float32", "[optim]") {
  check_course(0.9, [](DType dtype) {
    return train(resnet18({.input = {3, 16, 16}, .width = 8, .generator = Generator(1)}),
                 {3, 16, 16}, dtype, 8, 0.01);
  });
}

TEST_CASE("LeNet-5 with activations of bfloat16 trains as one of float32", "[optim]") {
  check_course(0.98, [](DType dtype) {
    return train(lenet5({.input = {1, 28, 28}, .generator = Generator(1)}), {1, 28, 28}, dtype, 20,
                 0.05);
  });
}

TEST_CASE("activations of bfloat16 give the same bits for any number of threads", "[optim]") {
  const int before = num_threads();
  const auto on = [](int threads) {
    set_num_threads(threads);
    return train(resnet18({.input = {3, 16, 16}, .width = 16, .generator = Generator(1)}),
                 {3, 16, 16}, DType::bfloat16, 2, 0.01)
        .weights;
  };
  CHECK(on(1) == on(3));
  set_num_threads(before);
}
