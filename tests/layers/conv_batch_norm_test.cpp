#include "layers/conv_batch_norm.hpp"

#include "core/autograd.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reduce.hpp"
#include "tests/catch.hpp"
#include "tests/golden/golden.hpp"

using namespace hebb;

namespace {

/// Both layers with numbers that a training would leave, in float64.
struct Pair {
  Generator generator{3};
  Conv2d conv;
  BatchNorm2d norm{{.channels = 4}};

  explicit Pair(bool bias)
      : conv({.in = 3, .out = 4, .kernel = 3, .stride = 2, .padding = 1, .bias = bias}, generator) {
    conv.to(DType::float64);
    norm.to(DType::float64);
    const State state = norm.state();
    uint32_t stream = 0;
    for (const auto& [name, tensor] : state)
      tensor.copy_from(test::golden_signed(++stream, {4}, 0.5, name == "running_mean" ? 0.2 : 1));
  }

  Tensor apart(const Tensor& x, bool training, const NormTail& tail) const {
    Context context{.training = training};
    Tensor y = norm(conv(x, context), context);
    if (tail.residual.defined()) y = y + tail.residual;
    return tail.relu ? relu(y) : y;
  }
  Tensor together(const Tensor& x, bool training, const NormTail& tail) const {
    Context context{.training = training};
    return conv_batch_norm(conv, norm, x, context, tail);
  }
  std::vector<NamedTensor> parameters() const {
    std::vector<NamedTensor> all = conv.parameters();
    for (const NamedTensor& parameter : norm.parameters()) all.push_back(parameter);
    return all;
  }
};

double largest_difference(const Tensor& a, const Tensor& b) {
  return max(abs(a.detach() - b.detach()).reshape({-1}), 0).item();
}

}  // namespace

TEST_CASE("a convolution and its normalisation are the same together and apart", "[layers]") {
  const Tensor x = test::golden_signed(11, {5, 3, 7, 6}, 2, 0.3).set_requires_grad();
  const Tensor residual = test::golden_signed(12, {5, 4, 4, 3}).set_requires_grad();
  for (const bool bias : {false, true})
    for (const bool training : {true, false})
      for (const bool with_residual : {false, true})
        for (const bool with_relu : {false, true}) {
          INFO("bias " << bias << ", training " << training << ", residual " << with_residual
                       << ", ReLU " << with_relu);
          const NormTail tail{with_relu, with_residual ? residual : Tensor()};
          const auto run = [&](auto method) {
            const Pair pair(bias);  // anew, because training moves the running statistics
            std::vector<Tensor> results{(pair.*method)(x, training, tail)};
            backward(results[0], test::golden_signed(13, results[0].shape()));
            for (const NamedTensor& parameter : pair.parameters())
              results.push_back(parameter.tensor.grad());
            results.push_back(x.grad());
            if (with_residual) results.push_back(residual.grad());
            for (const NamedTensor& buffer : pair.norm.buffers()) results.push_back(buffer.tensor);
            x.zero_grad();
            residual.zero_grad();
            return results;
          };
          const std::vector<Tensor> apart = run(&Pair::apart), together = run(&Pair::together);
          REQUIRE(apart.size() == together.size());
          for (size_t i = 0; i < apart.size(); ++i)
            CHECK(largest_difference(apart[i], together[i]) < 1e-12);
        }
}

TEST_CASE("a folded normalisation follows its weights", "[layers]") {
  const Pair pair(true);
  const Tensor x = test::golden_signed(11, {2, 3, 7, 6});
  const Tensor before = pair.together(x, false, {});
  for (const NamedTensor& parameter : pair.parameters())
    parameter.tensor.copy_from(test::golden_signed(21, parameter.tensor.shape()));
  for (const NamedTensor& buffer : pair.norm.buffers()) buffer.tensor.fill(0.75);
  const Tensor after = pair.together(x, false, {});
  CHECK(largest_difference(before, after) > 0.1);
  CHECK(largest_difference(after, pair.apart(x, false, {})) < 1e-12);
}

TEST_CASE("an observer sees both parts of a fused step", "[layers]") {
  const Pair pair(false);
  const Tensor x = test::golden_signed(11, {2, 3, 7, 6});
  std::vector<Tensor> seen;
  Context context;
  context.observe = [&](const Module&, const Tensor&, const Tensor& y) { seen.push_back(y); };
  const Tensor y = conv_batch_norm(pair.conv, pair.norm, x, context, {.relu = true});
  REQUIRE(seen.size() == 2);
  CHECK(largest_difference(relu(seen[1]), y) == 0);
  CHECK(largest_difference(pair.together(x, false, {.relu = true}), y) < 1e-12);
}
