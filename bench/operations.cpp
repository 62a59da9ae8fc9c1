#include "bench/operations.hpp"

#include <fmt/format.h>

#include "core/backend.hpp"
#include "core/ops/ops.hpp"
#include "core/profile.hpp"

namespace hebb::bench {
namespace {

Tensor random(const Shape& shape) {
  static Generator generator(1);
  const Tensor x = Tensor::empty(shape);
  fill_uniform(x, -1, 1, generator);
  return x;
}

void add_product(std::vector<OperationCase>& cases, const char* label, int64_t m, int64_t n,
                 int64_t k, bool ta, bool tb) {
  const Tensor a = random(ta ? Shape{k, m} : Shape{m, k});
  const Tensor b = random(tb ? Shape{n, k} : Shape{k, n});
  cases.push_back({fmt::format("matmul {} {}x{}x{}", label, m, n, k), 2.0 * double(m * n * k),
                   [=] { matmul(a, b, {.transpose_a = ta, .transpose_b = tb}); }});
}

struct Convolution {
  const char* label;
  Shape x, weight;
  int64_t pad;
};

void add_convolution(std::vector<OperationCase>& cases, const Convolution& c) {
  const Conv2dOptions options{.pad_h = c.pad, .pad_w = c.pad};
  const Tensor x = random(c.x), weight = random(c.weight), bias = random({c.weight[0]});
  const Tensor y = conv2d(x, weight, bias, options);
  const double operations = 2.0 * double(y.numel() * c.weight.product(1, 4));
  const std::string name = fmt::format("{} batch {}", c.label, c.x[0]);
  cases.push_back({name + " forward", operations, [=] { conv2d(x, weight, bias, options); }});
  cases.push_back({name + " input gradient", operations,
                   [=] { backend_of(y)->conv2d_backward_input(y, weight, x.shape(), options); }});
  cases.push_back({name + " weight gradient", operations, [=] {
                     backend_of(y)->conv2d_backward_weight(y, x, weight.shape(), true, options);
                   }});
}

void add_bean(std::vector<OperationCase>& cases, int64_t s, int64_t n, int64_t m, int order) {
  const Tensor h = relu(random({s, n}));
  const Tensor weight = random({m, n});
  cases.push_back({fmt::format("BEAN-{} with gradients S={} N={} M={}", order, s, n, m), 0,
                   [=] { backend_of(h)->bean(h, weight, {.order = order}, {}, true, true); }});
}

}  // namespace

std::vector<OperationCase> operation_cases() {
  std::vector<OperationCase> cases;
  add_product(cases, "MLP forward", 100, 500, 784, false, true);
  add_product(cases, "MLP weight gradient", 500, 784, 100, true, false);
  add_product(cases, "LeNet-5 fc1 forward", 100, 120, 400, false, true);
  add_product(cases, "LeNet-5 fc1 forward, one image", 1, 120, 400, false, true);
  add_product(cases, "square", 1024, 1024, 1024, false, false);
  for (const int64_t batch : {1, 100}) {
    add_convolution(cases, {"conv 1-6 5x5 28x28", {batch, 1, 28, 28}, {6, 1, 5, 5}, 2});
    add_convolution(cases, {"conv 6-16 5x5 14x14", {batch, 6, 14, 14}, {16, 6, 5, 5}, 0});
  }
  add_convolution(cases, {"conv 64-64 3x3 32x32", {8, 64, 32, 32}, {64, 64, 3, 3}, 1});
  for (const int order : {1, 2}) {
    add_bean(cases, 100, 500, 10, order);
    add_bean(cases, 100, 400, 120, order);
    add_bean(cases, 1, 400, 120, order);
  }
  const Tensor large = random({1'000'000}), other = random({1'000'000});
  cases.push_back({"tanh of 1e6", 0, [=] { tanh(large); }});
  cases.push_back({"sum of two 1e6", 0, [=] { add(large, other); }});
  const Tensor image = random({100, 6, 28, 28});
  cases.push_back({"max-pool 2x2 100x6x28x28", 0, [=] { max_pool2d(image); }});
  const Tensor parameter = random({61'706}), grad = random({61'706});
  const OptimizerSlot slot{.parameter = parameter,
                           .grad = grad,
                           .moments = {Tensor::zeros({61'706}), Tensor::zeros({61'706})},
                           .steps = Tensor::zeros({}, {DType::int64}),
                           .mu_product = {}};
  const StepScalars scalars{.lr = Tensor::scalar(1e-9, {DType::float64}), .grad_scale = {}};
  cases.push_back({"Adam of 61,706", 0, [=] { adam_step({&slot, 1}, scalars, {}); }});
  const Tensor tiny = random({84});
  cases.push_back({"relu of 84: one operation's overhead", 0, [=] { relu(tiny); }});
  cases.push_back({"1,000 ProfileScopes without a profile", 0, [] {
                     for (int i = 0; i < 1000; ++i) const ProfileScope scope("off");
                   }});
  return cases;
}

}  // namespace hebb::bench
