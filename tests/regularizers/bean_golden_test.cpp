#include "core/autograd.hpp"
#include "core/ops/bean.hpp"
#include "core/serialize.hpp"
#include "tests/regularizers/reference.hpp"

/// BEAN on LeNet-5's dense layers against PyTorch; see tests/golden/README.md for the file.
namespace hebb {
namespace {

using test::Values;

uint32_t hash(uint32_t stream, uint32_t i) {
  uint32_t x = (stream << 20) + i;
  x ^= x >> 16, x *= 0x85ebca6bu;
  x ^= x >> 13, x *= 0xc2b2ae35u;
  return x ^ (x >> 16);
}

double signed_value(uint32_t stream, uint32_t i) {
  return double(hash(stream, i) >> 8) * 0x1p-23 - 1;
}

struct Moments {
  double sum = 0, squares = 0;
};

/// The largest error of `got` as the file has it: every element or every 97th and the moments.
double golden_error(const SafetensorsFile& golden, const std::string& name, const Values& got) {
  const Values expected = golden.tensors.at(name).to_vector<double>();
  if (got.size() <= 512) return test::relative_error(expected, got);
  Values sample;
  for (size_t i = 0; i < got.size(); i += 97) sample.push_back(got[i]);
  Moments m;
  double magnitude = 0;
  for (const double x : got) m.sum += x, m.squares += x * x, magnitude += std::abs(x);
  const Values moments = golden.tensors.at(name + ".moments").to_vector<double>();
  return std::max({test::relative_error(expected, sample), std::abs(moments[0] - m.sum) / magnitude,
                   std::abs(moments[1] - m.squares) / m.squares});
}

}  // namespace

TEST_CASE("BEAN on LeNet-5's dense layers is PyTorch's", "[regularizers]") {
  const SafetensorsFile golden = load_safetensors(HEBB_GOLDEN "/bean_lenet5.safetensors");
  constexpr int64_t widths[] = {400, 120, 84, 10};
  int compared = 0;
  for (const int order : {1, 2})
    for (const Divergence divergence : {Divergence::squared, Divergence::absolute})
      for (const int gamma : {1, 2})
        for (const int64_t samples : {1, 3})
          for (uint32_t layer = 0; layer < 3; ++layer) {
            const int64_t n = widths[layer], m = widths[layer + 1];
            Values activations(size_t(samples * n)), weights(size_t(m * n));
            for (uint32_t i = 0; i < activations.size(); ++i)
              activations[i] = std::max(0.0, signed_value(1000 + layer, i));
            for (uint32_t i = 0; i < weights.size(); ++i)  // parameter 4 + 2 layer of the model
              weights[i] = double(float(signed_value(5 + 2 * layer, i) / std::sqrt(double(n))));
            const Tensor h = Tensor::from(activations, {samples, n}).set_requires_grad();
            const Tensor weight = Tensor::from(weights, {m, n}).set_requires_grad();
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
            CHECK(golden_error(golden, name + ".penalty", {penalty.item()}) < 1e-12);
            CHECK(golden_error(golden, name + ".dh", h.grad().to_vector<double>()) < 1e-12);
            CHECK(golden_error(golden, name + ".dweight", weight.grad().to_vector<double>()) <
                  1e-12);
            ++compared;
          }
  CHECK(compared == 48);
}

}  // namespace hebb
