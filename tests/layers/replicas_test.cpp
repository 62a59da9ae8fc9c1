#include "core/error.hpp"
#include "layers/batch_norm2d.hpp"
#include "layers/dropout.hpp"
#include "layers/flatten.hpp"
#include "layers/models/lenet5.hpp"
#include "layers/models/mlp.hpp"
#include "tests/catch.hpp"

namespace hebb::test {
namespace {

Sequential network(uint64_t seed) { return lenet5({.generator = Generator(seed)}); }

std::vector<State> states(int64_t count) {
  std::vector<State> all;
  for (int64_t r = 0; r < count; ++r) all.push_back(network(uint64_t(r) + 1).state());
  return all;
}

}  // namespace

TEST_CASE("replicas have the states that they were given, and give them back", "[layers]") {
  Sequential many = network(9);
  const Tensor weight = many.parameters()[0].tensor;
  CHECK(many.replicas() == 0);
  many.replicate(states(3));
  CHECK(many.replicas() == 3);
  CHECK(weight.shape() == Shape{3, 6, 1, 5, 5});  // through every handle
  CHECK(weight.requires_grad());
  CHECK(many.parameter_count() == 3 * network(1).parameter_count());
  for (int64_t r = 0; r < 3; ++r) {
    const State one = many.replica(r);
    const Sequential alone = network(uint64_t(r) + 1);
    for (const auto& [name, tensor] : alone.state()) {
      INFO(name);
      CHECK(one.at(name).shape() == tensor.shape());
      CHECK(one.at(name).to_vector<float>() == tensor.to_vector<float>());
    }
    Sequential other = network(9);
    other.load_state(one);
    const Tensor x = Tensor::full({2, 1, 28, 28}, 0.5);
    CHECK(other(x).to_vector<float>() == alone(x).to_vector<float>());
  }
  // They share storage: what is copied in is the replica's.
  copy_state(many.replica(1), network(7).state(), "test");
  CHECK(weight.detach().slice(1, 2).to_vector<float>() ==
        network(7).parameters()[0].tensor.to_vector<float>());
}

TEST_CASE("a network of replicas gives what each gives for its own input", "[layers]") {
  for (const int64_t replicas : {1, 2, 3}) {
    Sequential many = network(9);
    many.replicate(states(replicas));
    Tensor x = Tensor::empty({replicas, 2, 1, 28, 28});
    Generator random(4);
    for (float& pixel : x.host<float>()) pixel = float(random.uniform());
    const Tensor y = many(x);
    REQUIRE(y.shape() == Shape{replicas, 2, 10});
    CHECK(many(x.reshape({replicas, 2, 784})).to_vector<float>() == y.to_vector<float>());
    for (int64_t r = 0; r < replicas; ++r) {
      const Tensor own = x.slice(r, r + 1).reshape({2, 1, 28, 28});
      CHECK(network(uint64_t(r) + 1)(own).to_vector<float>() ==
            y.slice(r, r + 1).to_vector<float>());
    }
  }
}

TEST_CASE("layers of replicas leave taps and say what they are as one does", "[layers]") {
  const Sequential alone = mlp({12, 5, 3});
  Sequential many = mlp({12, 5, 3});
  many.replicate(std::vector<State>{alone.state(), alone.state()});
  std::vector<DenseTap> taps;
  Context context{.taps = &taps};
  many(Tensor::ones({2, 4, 3, 4}), context);
  REQUIRE(taps.size() == 2);
  CHECK(taps[0].raw_input);
  CHECK_FALSE(taps[1].raw_input);
  CHECK(taps[1].replicas == 2);
  CHECK(taps[1].input.shape() == Shape{2, 4, 5});
  CHECK(taps[1].weight.shape() == Shape{2, 3, 5});
  for (size_t i = 0; i < alone.children().size(); ++i)
    CHECK(alone.children()[i].module->description() == many.children()[i].module->description());
  many.to(DType::float64);
  CHECK(many.replica(1).at("fc1.weight").shape() == Shape{5, 12});
}

TEST_CASE("replicas of networks have their settings", "[layers]") {
  const std::vector<double> p = {0.2, 0, 0.6};
  const auto network_of = [&](size_t r) {
    auto net = std::make_unique<Sequential>();
    net->add("dropout", Dropout({.p = p[r]}));
    return net;
  };
  std::vector<std::unique_ptr<Module>> networks;
  for (size_t r = 0; r < p.size(); ++r) networks.push_back(network_of(r));
  const std::unique_ptr<Sequential> many = network_of(1);
  many->replicate(networks);
  std::vector<Generator> own(3, Generator(5)), alone = own;
  Context context{.training = true, .generators = own};
  const Tensor x = Tensor::ones({3, 40}), y = (*many)(x, context);
  for (size_t r = 0; r < p.size(); ++r) {
    Context one{.training = true, .generator = &alone[r]};
    CHECK(y.slice(int64_t(r), int64_t(r) + 1).to_vector<float>() ==
          (*networks[r])(Tensor::ones({40}), one).to_vector<float>());
  }

  networks[1] = std::make_unique<Sequential>();
  CHECK_THROWS_WITH(network_of(0)->replicate(networks),
                    "[replicate] expected networks of the same layers, got Sequential in place of "
                    "Sequential (\"\")");
  auto other = std::make_unique<Sequential>();
  other->add("dropout", Flatten());
  networks[1] = std::move(other);
  CHECK_THROWS_WITH(network_of(0)->replicate(networks),
                    "[replicate] expected networks of the same layers, got Flatten in place of "
                    "Dropout(0.2) (\"dropout\")");
  networks[1] = nullptr;
  CHECK_THROWS_WITH(network_of(0)->replicate(networks),
                    "[replicate] expected networks without replicas");
}

TEST_CASE("replicas refuse what they do not know", "[layers]") {
  Sequential net = network(1);
  CHECK_THROWS_WITH(net.replicate(std::vector<State>()),
                    "[replicate] expected at least one state, got none");
  CHECK_THROWS_WITH(net.replica(0), "[replica] expected one of 0 replicas, got 0");
  CHECK_THROWS_WITH(net.replicate(std::vector<State>{mlp({4, 2}).state()}),
                    ContainsSubstring("[replicate] the state does not fit:\n  missing"));
  CHECK(net.replicas() == 0);
  net.replicate(states(2));
  CHECK_THROWS_WITH(net.replicate(states(2)),
                    "[replicate] expected a network without replicas, got one with 2");
  CHECK_THROWS_WITH(net.replica(2), "[replica] expected one of 2 replicas, got 2");
  CHECK_THROWS_WITH(net(Tensor::ones({3, 2, 1, 28, 28})),
                    "[conv2d] expected as many replicas in input as in weight [2, 6, 1, 5, 5], got "
                    "[3, 2, 1, 28, 28]");
  CHECK_THROWS_WITH(net(Tensor::ones({2, 1, 28, 28})),
                    "[Unflatten] expected input of shape [R, S, 1, 28, 28] or [R, S, 784], got "
                    "[2, 1, 28, 28]");

  Sequential normalized;
  normalized.add("norm", BatchNorm2d({.channels = 3}));
  CHECK_THROWS_WITH(normalized.replicate(std::vector<State>{normalized.state()}),
                    "[replicate] expected layers without buffers, got norm.running_mean");

  Sequential dropped;
  dropped.add("dropout", Dropout({.p = 0.5}));
  dropped.replicate(std::vector<State>(2));
  Generator generator;
  std::vector<Generator> three(3);
  Context one{.training = true, .generator = &generator};
  Context too_many{.training = true, .generators = three};
  const std::string message =
      "[Dropout] expected a generator for each of 2 replicas, and whole batches, got ";
  CHECK_THROWS_WITH(dropped(Tensor::ones({2, 3, 4}), one), message + "0");
  CHECK_THROWS_WITH(dropped(Tensor::ones({2, 3, 4}), too_many), message + "3");

  Sequential flat;
  flat.add("flatten", Flatten());
  flat.replicate(std::vector<State>(2));
  CHECK_THROWS_WITH(flat(Tensor::ones({2})), "[Flatten] expected at least two axes, got [2]");
}

}  // namespace hebb::test
