#include "core/precision.hpp"

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/ops/ops.hpp"
#include "layers/models/lenet5.hpp"
#include "layers/models/resnet.hpp"
#include "optim/sgd.hpp"
#include "optim/train_step.hpp"
#include "tests/catch.hpp"
#include "tests/core/cpu/bfloat16.hpp"

using namespace hebb;

namespace {

/// Whether this machine multiplies so; with it for the life of the object.
class InPrecision {
 public:
  explicit InPrecision(Precision precision) { set_precision(precision); }
  ~InPrecision() { set_precision(Precision::fp32); }
  InPrecision(const InPrecision&) = delete;
  InPrecision& operator=(const InPrecision&) = delete;
};

Tensor random(const Shape& shape, uint64_t seed) {
  Generator generator(seed);
  const Tensor x = Tensor::empty(shape);
  fill_uniform(x, -1, 1, generator);
  return x;
}

Tensor rounded(const Tensor& x) {
  std::vector<float> values = x.to_vector<float>();
  for (float& value : values) value = test::to_bfloat16(value);
  return Tensor::from(values, x.shape()).to(DType::float64);
}

double difference(const Tensor& a, const Tensor& b) {
  return max(abs(a.to(DType::float64) - b.to(DType::float64))).item();
}

double trained_loss(Precision precision, int steps) {
  const InPrecision scope(precision);
  const ResNet net = resnet18({.input = {3, 16, 16}, .width = 16, .generator = Generator(1)});
  Sgd sgd(net.parameters(), {.lr = 0.02});
  const Tensor x = random({20, 3, 16, 16}, 2);
  std::vector<int64_t> classes(20);
  for (size_t i = 0; i < classes.size(); ++i) classes[i] = int64_t(i % 10);
  const Tensor labels = Tensor::from(classes, {20});
  double loss = 0;
  for (int step = 0; step < steps; ++step) {
    Context context{.training = true};
    const Tensor value = cross_entropy(net(x, context), labels);
    loss = value.item();
    value.backward();
    sgd.step();
    sgd.zero_grad();
  }
  return loss;
}

}  // namespace

TEST_CASE("a precision is refused where the device does not have it", "[optim][precision]") {
  CHECK(precision() == Precision::fp32);
  CHECK_THROWS_WITH(set_precision(Precision::tf32),
                    ContainsSubstring("[precision] expected fp32 or bf16 on cpu (") &&
                        ContainsSubstring("got tf32, a GPU's"));
  if (test::multiplies_bfloat16()) {
    const InPrecision scope(Precision::bf16);
    CHECK(precision() == Precision::bf16);
  } else {
    CHECK_THROWS_WITH(
        set_precision(Precision::bf16),
        ContainsSubstring("[precision] expected fp32 on cpu (") &&
            ContainsSubstring("got bf16, which takes a processor with AVX512-BF16 or AMX"));
  }
  CHECK(precision() == Precision::fp32);
  CHECK(precisions().help() == "fp32; tf32; bf16");
}

TEST_CASE("products and convolutions round their factors to bfloat16, both ways",
          "[optim][precision][needs-data]") {
  if (!test::has_bfloat16_products()) return;
  // What is of rounded numbers, and what is of others.
  const Tensor x = random({6, 40}, 1), w = random({50, 40}, 2), b = random({50}, 3),
               dy = random({6, 50}, 4);
  const auto gradients = [&](const Tensor& input, const Tensor& weight, const Tensor& bias,
                             const Tensor& upstream) {
    std::vector<Tensor> leaves;
    for (const Tensor& t : {input, weight, bias}) leaves.push_back(t.clone().set_requires_grad());
    const Tensor y = linear(leaves[0], leaves[1], leaves[2]);
    sum(y * upstream).backward();
    return std::vector{y.detach(), leaves[0].grad(), leaves[1].grad(), leaves[2].grad()};
  };
  std::vector<Tensor> got;
  Tensor image, exact = gradients(x, w, b, dy)[0];
  {
    const InPrecision scope(Precision::bf16);
    got = gradients(x, w, b, dy);
    const Tensor wide = x.to(DType::float64);
    CHECK(difference(matmul(wide, wide, {.transpose_b = true}),
                     sum(wide.reshape({6, 1, 40}) * wide.reshape({1, 6, 40}), {2})) < 1e-14);
  }
  const auto expected = gradients(rounded(x), rounded(w), b.to(DType::float64), rounded(dy));
  for (size_t i = 0; i < 3; ++i) CHECK(difference(got[i], expected[i]) < 1e-5);
  CHECK(difference(got[3], sum(dy.to(DType::float64), {0})) < 1e-6);
  CHECK(difference(got[0], exact) > 1e-4);  // or nothing was rounded
  CHECK(difference(gradients(x, w, b, dy)[0], exact) == 0);
}

TEST_CASE("a ResNet of bfloat16 trains as one of float32", "[optim][precision][needs-data]") {
  if (!test::has_bfloat16_products()) return;
  const double before = trained_loss(Precision::fp32, 1), single = trained_loss(Precision::fp32, 8),
               half = trained_loss(Precision::bf16, 8);
  CHECK(single < 0.9 * before);
  CHECK(half != single);
  CHECK(half == Approx(single).epsilon(0.05));
  CHECK(trained_loss(Precision::fp32, 8) == single);
}

TEST_CASE("with bf16, networks are given bfloat16", "[optim][precision][needs-data]") {
  const Tensor x = random({2, 3}, 1), wide = x.to(DType::float64);
  CHECK(network_input(x).dtype() == DType::float32);
  if (!test::has_bfloat16_products()) return;
  const InPrecision scope(Precision::bf16);
  CHECK(network_input(x).dtype() == DType::bfloat16);
  CHECK(network_input(wide).dtype() == DType::float64);
  const Sequential net = lenet5({.generator = Generator(1)});
  Sgd sgd(net.parameters(), {.lr = 0.1});
  const Tensor labels = Tensor::zeros({4}, {.dtype = DType::int64});
  const TrainStep step = train_step(net, sgd, {}, {random({4, 1, 28, 28}, 2), labels, {}}, {});
  CHECK(step.logits.dtype() == DType::bfloat16);
  CHECK(step.loss.dtype() == DType::float32);
}
