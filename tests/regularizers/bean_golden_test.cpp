#include "core/autograd.hpp"
#include "core/ops/bean.hpp"
#include "tests/catch.hpp"
#include "tests/golden/golden.hpp"

namespace hebb {

TEST_CASE("BEAN on LeNet-5's dense layers is PyTorch's", "[regularizers]") {
  const test::Golden golden("bean_lenet5");
  constexpr int64_t widths[] = {400, 120, 84, 10};
  int compared = 0;
  for (const int order : {1, 2})
    for (const Divergence divergence : {Divergence::squared, Divergence::absolute})
      for (const int gamma : {1, 2})
        for (const int64_t samples : {1, 3})
          for (uint32_t layer = 0; layer < 3; ++layer) {
            const int64_t n = widths[layer], m = widths[layer + 1];
            Tensor h = test::golden_positive(test::input_stream + layer, {samples, n});
            // Parameter 4 + 2 layer of the model, in float32 numbers.
            Tensor weight = test::golden_signed(5 + 2 * layer, {m, n});
            for (double& w : weight.host<double>()) w = double(float(w / std::sqrt(double(n))));
            h.set_requires_grad(), weight.set_requires_grad();
            const Tensor penalty = bean_penalty(h, weight,
                                                {.order = order,
                                                 .divergence = divergence,
                                                 .gamma = double(gamma),
                                                 .scale = 1 / std::pow(double(m), order)});
            penalty.backward();

            const std::string name =
                "order" + std::to_string(order) +
                (divergence == Divergence::squared ? ".squared" : ".absolute") + ".gamma" +
                std::to_string(gamma) + ".samples" + std::to_string(samples) + ".layer" +
                std::to_string(layer);
            INFO(name);
            CHECK(golden.difference(name + ".penalty", penalty) < 1e-12);
            CHECK(golden.difference(name + ".dh", h.grad()) < 1e-12);
            CHECK(golden.difference(name + ".dweight", weight.grad()) < 1e-12);
            ++compared;
          }
  CHECK(compared == 48);
}

}  // namespace hebb
