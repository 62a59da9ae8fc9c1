#include "regularizers/bean.hpp"

#include "core/autograd.hpp"
#include "layers/models/lenet5.hpp"
#include "tests/regularizers/reference.hpp"

namespace hebb {
namespace {

using test::Values;

/// Three dense layers of random numbers: one on pixels, two on neurons, of widths 6, 5 and 3.
struct DenseNetwork {
  static constexpr int64_t samples = 4;
  static constexpr int64_t widths[] = {8, 6, 5, 3};
  std::vector<Values> h, weight;
  test::Taps taps{{"fc1", "fc2", "out"}};

  DenseNetwork() {
    for (int k = 0; k < 3; ++k) {
      const int64_t n = widths[k], m = widths[k + 1];
      h.push_back(test::rectified_values(samples * n, uint64_t(k)));
      weight.push_back(test::normal_values(n * m, uint64_t(k + 10)));
      taps.add(Tensor::from(h[k], {samples, n}).set_requires_grad(),
               Tensor::from(weight[k], {m, n}).set_requires_grad(), {}, k == 0);
    }
  }

  test::Penalty literal(int k, const BeanKernel& kernel) const {
    return test::literal_bean(samples, widths[k], widths[k + 1], h[k], weight[k], kernel);
  }
  double penalty(const BeanOptions& options) const {
    return Bean(options).penalty(taps.taps).item();
  }
};

}  // namespace

TEST_CASE("Bean sums over the layers that neurons feed", "[regularizers]") {
  const DenseNetwork network;
  for (const int order : {1, 2})
    for (const Divergence divergence : {Divergence::squared, Divergence::absolute})
      for (const Normalization normalization :
           {Normalization::paper, Normalization::published_code}) {
        double expected = 0;
        std::vector<test::Penalty> layers;
        for (const int k : {1, 2}) {
          const double m = double(DenseNetwork::widths[k + 1]);
          const double width = normalization == Normalization::paper ? m : 1;
          layers.push_back(network.literal(k, {.order = order,
                                               .divergence = divergence,
                                               .gamma = 0.5,
                                               .scale = 3 / std::pow(width, order)}));
          expected += layers.back().value;
        }
        for (const DenseTap& tap : network.taps.taps) tap.input.zero_grad(), tap.weight.zero_grad();
        const Tensor penalty = Bean({.order = order,
                                     .alpha = 3,
                                     .gamma = 0.5,
                                     .divergence = divergence,
                                     .normalization = normalization})
                                   .penalty(network.taps.taps);
        CHECK(penalty.item() == Approx(expected).epsilon(1e-12));
        penalty.backward();
        CHECK(!network.taps.taps[0].weight.grad().defined());
        for (const int k : {1, 2}) {
          const DenseTap& tap = network.taps.taps[k];
          CHECK(test::relative_error(layers[k - 1].dh, tap.input.grad().to_vector<double>()) <
                1e-12);
          CHECK(test::relative_error(layers[k - 1].dweight, tap.weight.grad().to_vector<double>()) <
                1e-12);
        }
      }
}

TEST_CASE("The code's form is the paper's with alpha times M, or M squared", "[regularizers]") {
  const DenseNetwork network;
  for (const int order : {1, 2})
    for (const int k : {1, 2}) {
      const std::vector<std::string> layers = {network.taps.names[k]};
      const double m = double(DenseNetwork::widths[k + 1]);
      const double code = network.penalty({.order = order,
                                           .alpha = 3,
                                           .normalization = Normalization::published_code,
                                           .layers = layers});
      const double paper =
          network.penalty({.order = order, .alpha = 3 * std::pow(m, order), .layers = layers});
      CHECK(code == Approx(paper).epsilon(1e-14));
      CHECK(code > 0);
    }
}

TEST_CASE("Bean's layers are chosen by name or pattern", "[regularizers]") {
  const DenseNetwork network;
  const auto value = [&](std::vector<std::string> layers) {
    return network.penalty({.layers = std::move(layers)});
  };
  const double fc1 = value({"fc1"}), fc2 = value({"fc2"}), out = value({"out"});
  CHECK(fc1 == Approx(network.literal(0, {.scale = 1 / 6.0}).value));  // on pixels, by name
  CHECK(value({"fc*"}) == Approx(fc1 + fc2));
  CHECK(value({"out", "f?2"}) == Approx(fc2 + out));
  CHECK(value({"out", "o*"}) == out);  // once, however often it is named
  CHECK(value({}) == Approx(fc2 + out));
  CHECK_THROWS_WITH(value({"fc2", "fc3"}),
                    "[bean] expected dense layers among fc1, fc2, out, got \"fc3\"");
}

TEST_CASE("Bean has nothing to say about pixels alone, or with alpha 0", "[regularizers]") {
  const DenseNetwork network;
  CHECK(!Bean().penalty(std::span(network.taps.taps).first(1)).defined());
  CHECK(!Bean().penalty({}).defined());
  CHECK(!Bean({.alpha = 0}).penalty(network.taps.taps).defined());
}

TEST_CASE("Bean sees all three dense layers of LeNet-5", "[regularizers]") {
  const Sequential model = lenet5();
  std::vector<DenseTap> taps;
  Context context{.training = true, .taps = &taps};
  const Tensor images = Tensor::from(
      [] {
        const Values values = test::rectified_values(2 * 28 * 28, 1);
        return std::vector<float>(values.begin(), values.end());
      }(),
      {2, 1, 28, 28});
  model(images, context);
  REQUIRE(taps.size() == 3);
  const auto value = [&](std::vector<std::string> layers) {
    return Bean({.order = 2, .alpha = 1e5, .layers = std::move(layers)}).penalty(taps).item();
  };
  CHECK(value({}) == Approx(value({"fc1"}) + value({"fc2"}) + value({"fc3"})));
  CHECK(value({"fc1"}) > 0);

  Bean({.order = 1}).penalty(taps).backward();
  for (const NamedTensor& parameter : model.parameters()) {
    INFO(parameter.name);  // activations pass gradients on to the convolutions; the last bias is
                           // behind all neurons
    CHECK(parameter.tensor.grad().defined() == (parameter.name != "fc3.bias"));
  }
}

TEST_CASE("Bean checks its options and says its name", "[regularizers]") {
  CHECK_THROWS_WITH(Bean({.order = 3}), "[bean] expected order 1 or 2, got 3");
  CHECK_THROWS_AS(Bean({.alpha = -1}), ValueError);
  CHECK_THROWS_AS(Bean({.alpha = HUGE_VAL}), ValueError);
  CHECK_THROWS_AS(Bean({.gamma = 0}), ValueError);
  CHECK_THROWS_AS(Bean({.gamma = std::nan("")}), ValueError);
  CHECK(Bean({.order = 2, .alpha = 300}).name() == "bean:order=2,alpha=300");
  CHECK(Bean({.alpha = 0.5,
              .gamma = 2,
              .divergence = Divergence::absolute,
              .normalization = Normalization::published_code,
              .layers = {"fc*", "out"}})
            .name() ==
        "bean:order=1,alpha=0.5,gamma=2,divergence=absolute,normalisation=published-code,"
        "layers=fc*+out");
  const Tensor own = Tensor::from(std::vector<double>{0.25, 200}, {2});
  CHECK(Bean({.alphas = own}).name() == "bean:order=1,alpha=0.25+200");
  CHECK_THROWS_WITH(Bean({.alphas = -own}),
                    "[bean] expected finite alphas of at least 0, got -0.25");
}

}  // namespace hebb
