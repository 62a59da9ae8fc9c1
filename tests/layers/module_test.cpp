#include "layers/module.hpp"

#include "core/autograd.hpp"
#include "core/error.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reduce.hpp"
#include "layers/batch_norm2d.hpp"
#include "layers/linear.hpp"
#include "layers/models/lenet5.hpp"
#include "layers/models/mlp.hpp"
#include "tests/catch.hpp"
#include "tests/layers/names.hpp"

using namespace hebb;

namespace {

Sequential block(Generator& generator) {
  Sequential net;
  net.add("norm", BatchNorm2d({.channels = 3}));
  net.add("fc", Linear({.in = 4, .out = 2, .bias = false}, generator));
  return net;
}

// What a user writes.
class Scale final : public Module {
 public:
  explicit Scale(double value) : factor_(add_parameter("factor", Tensor::scalar(value))) {}
  std::string description() const override { return "Scale"; }
  Tensor forward(const Tensor& x, Context&) const override { return x * factor_; }
  Tensor again(const std::string& name) { return add_buffer(name, Tensor::zeros({1})); }

 private:
  Tensor factor_;
};

}  // namespace

TEST_CASE("LeNet-5 has 61,706 parameters with the published names", "[layers]") {
  const Sequential net = lenet5();
  CHECK(net.parameter_count() == 61706);
  CHECK(test::names(net.parameters()) ==
        std::vector<std::string>{"conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias",
                                 "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias", "fc3.weight",
                                 "fc3.bias"});
  CHECK(net.buffers().empty());
  for (const NamedTensor& parameter : net.parameters()) CHECK(parameter.tensor.requires_grad());
}

TEST_CASE("paths follow the tree however it was put together", "[layers]") {
  Generator generator;
  Sequential inner = block(generator);
  Sequential middle;
  middle.add("0", std::move(inner));
  Sequential net;
  net.add("layer1", std::move(middle)).add("fc", Linear({.in = 2, .out = 2}, generator));
  CHECK(test::names(net.parameters()) ==
        std::vector<std::string>{"layer1.0.norm.weight", "layer1.0.norm.bias", "layer1.0.fc.weight",
                                 "fc.weight", "fc.bias"});
  CHECK(test::names(net.buffers()) ==
        std::vector<std::string>{"layer1.0.norm.running_mean", "layer1.0.norm.running_var"});
  CHECK(net.path().empty());
  CHECK(net.children()[0].module->children()[0].module->path() == "layer1.0");
}

TEST_CASE("a name is taken once and holds no dots", "[layers]") {
  Scale scale(1);
  CHECK_THROWS_AS(scale.again("factor"), ValueError);
  CHECK_THROWS_AS(scale.again(""), ValueError);
  CHECK_THROWS_AS(scale.again("a.b"), ValueError);
  Sequential net;
  net.add("a", Scale(1));
  CHECK_THROWS_WITH(net.add("a", Scale(1)), "[module] expected a new name, got \"a\" again");
}

TEST_CASE("a user's module works like any other", "[layers]") {
  Sequential net;
  net.add("scale", Scale(3));
  Context context;
  const Tensor y = net(Tensor::from<float>({1, 2}, {2}), context);
  CHECK(y.to_vector<float>() == std::vector<float>{3, 6});
  sum(y).backward();
  CHECK(net.parameters()[0].tensor.grad().item() == 3);
}

TEST_CASE("a module keeps its tensors when it is moved", "[layers]") {
  Sequential first = lenet5();
  const Tensor weight = first.parameters()[0].tensor;
  const Sequential second = std::move(first);
  CHECK(second.parameters()[0].tensor.body() == weight.body());
  CHECK(second(Tensor::ones({1, 1, 28, 28})).shape() == Shape{1, 10});
}

TEST_CASE("inference records no graph and a pass in a context does", "[layers]") {
  const Sequential net = mlp({4, 3, 2});
  Context context;
  CHECK_FALSE(net(Tensor::ones({1, 4})).requires_grad());
  CHECK(net(Tensor::ones({1, 4}), context).requires_grad());
  CHECK_FALSE(context.model_input.defined());
  CHECK_THROWS_AS(net(Tensor()), ValueError);
  CHECK_THROWS_AS(net(Tensor::ones({1, 5}), context), ShapeError);
  CHECK_FALSE(context.model_input.defined());  // after an error too
}

TEST_CASE("a state goes into another model of the same shape", "[layers]") {
  const Sequential a = lenet5({.generator = Generator(1)});
  Sequential b = lenet5({.generator = Generator(2)});
  const Tensor x = Tensor::full({2, 1, 28, 28}, 0.5);
  CHECK(a(x).to_vector<float>() != b(x).to_vector<float>());
  b.load_state(a.state());
  CHECK(a(x).to_vector<float>() == b(x).to_vector<float>());
  CHECK(a.state().at("fc1.weight").body() != b.state().at("fc1.weight").body());
}

TEST_CASE("loading a state that does not fit lists every problem and changes nothing", "[layers]") {
  Sequential net = mlp({4, 3, 2});
  State state = mlp({4, 3, 2}, {.generator = Generator(5)}).state();
  state.erase("fc1.bias");
  state["fc2.weight"] = Tensor::zeros({2, 4});
  state["fc9.weight"] = Tensor::zeros({1});
  const std::vector<float> before = net.state().at("fc1.weight").to_vector<float>();
  CHECK_THROWS_WITH(net.load_state(state),
                    "[load_state] the state does not fit:\n  missing fc1.bias [3]"
                    "\n  fc2.weight: expected [2, 3], got [2, 4]\n  unexpected fc9.weight");
  CHECK(net.state().at("fc1.weight").to_vector<float>() == before);
  CHECK_THROWS_AS(net.load_state({}), ValueError);
}

TEST_CASE("another element type is seen through every handle", "[layers]") {
  Generator generator;
  Sequential net = block(generator);
  const Tensor weight = net.parameters()[2].tensor;
  const std::vector<float> before = weight.to_vector<float>();
  net.to(DType::float64);
  CHECK(weight.dtype() == DType::float64);
  CHECK(weight.requires_grad());
  CHECK(net.buffers()[0].tensor.dtype() == DType::float64);
  net.to(DType::float32);
  CHECK(weight.to_vector<float>() == before);
  CHECK_THROWS_AS(net.to(DType::int64), ValueError);
}
