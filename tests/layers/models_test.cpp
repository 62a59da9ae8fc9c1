#include <cmath>
#include <functional>

#include "core/autograd.hpp"
#include "core/error.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/softmax.hpp"
#include "layers/layers.hpp"
#include "optim/adam.hpp"
#include "regularizers/bean.hpp"
#include "tests/catch.hpp"
#include "tests/golden/golden.hpp"

using namespace hebb;

namespace {

struct Tolerances {
  double once;     // logits, losses, gradients
  double trained;  // parameters after ten steps
};

void check_golden(const std::string& file, const std::function<Sequential()>& make,
                  const Shape& input, DType dtype, Tolerances tolerances) {
  const test::Golden golden(file);
  const std::string prefix = std::string(name_of(dtype)) + ".";
  INFO(file << " " << prefix);
  Sequential net = make();
  test::set_golden_parameters(net);
  net.to(dtype);
  const Tensor x = test::golden_positive(test::input_stream, input).to(dtype);
  const Tensor labels = test::golden_labels(input[0]);
  REQUIRE(golden.difference(prefix + "input", x) < 1e-7);
  REQUIRE(labels.to_vector<int64_t>() == [&] {
    std::vector<int64_t> whole;
    for (const double label : golden.values("labels")) whole.push_back(int64_t(label));
    return whole;
  }());

  Adam adam(net.parameters(), {.lr = 5e-4});
  std::vector<double> losses;
  double worst_gradient = 0;
  for (int step = 0; step <= 10; ++step) {
    adam.zero_grad();
    Context context{.training = true};
    const Tensor logits = net(x, context);
    const Tensor loss = cross_entropy(logits, labels);
    losses.push_back(loss.item());
    if (step == 10) break;
    loss.backward();
    if (step == 0) {
      CHECK(golden.difference(prefix + "logits", logits) < tolerances.once);
      for (size_t k = 0; k < adam.parameters().size(); ++k)
        worst_gradient =
            std::max(worst_gradient, golden.difference(prefix + "grad." + std::to_string(k),
                                                       adam.parameters()[k].tensor.grad()));
    }
    adam.step();
  }
  double worst_trained = 0;
  for (size_t k = 0; k < adam.parameters().size(); ++k)
    worst_trained = std::max(
        worst_trained,
        golden.difference(prefix + "trained." + std::to_string(k), adam.parameters()[k].tensor));
  CHECK(worst_gradient < tolerances.once);
  CHECK(golden.difference(prefix + "losses", Tensor::from(losses, {11})) < tolerances.once);
  CHECK(worst_trained < tolerances.trained);
}

// Compares every parameter's gradient of the loss with central differences.
void check_gradients(const Module& model, const std::function<Tensor()>& loss) {
  loss().backward();
  constexpr double h = 1e-6;
  for (const auto& [name, parameter] : model.parameters()) {
    REQUIRE(parameter.grad().defined());
    const std::vector<double> grad = parameter.grad().to_vector<double>();
    const std::span<double> values = parameter.host<double>();
    double worst = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      const NoGrad no_grad;
      const double original = values[i];
      values[i] = original + h;
      const double above = loss().item();
      values[i] = original - h;
      const double below = loss().item();
      values[i] = original;
      const double numeric = (above - below) / (2 * h);
      worst = std::max(worst, std::abs(grad[i] - numeric) - 1e-3 * std::abs(numeric));
    }
    INFO(name);
    CHECK(worst < 1e-5);
  }
}

}  // namespace

TEST_CASE("models train as PyTorch's do", "[layers]") {
  const std::function<Sequential()> small = [] { return mlp({20, 12, 10}); };
  const std::function<Sequential()> large = [] { return mlp({784, 32, 10}); };
  const std::function<Sequential()> lenet = [] { return lenet5(); };
  for (const auto& [dtype, tolerances] : {std::pair(DType::float64, Tolerances{1e-12, 1e-9}),
                                          std::pair(DType::float32, Tolerances{2e-6, 3e-5})}) {
    check_golden("mlp_20_12_10", small, {8, 20}, dtype, tolerances);
    check_golden("mlp_784_32_10", large, {8, 784}, dtype, tolerances);
    check_golden("lenet5", lenet, {6, 1, 28, 28}, dtype, tolerances);
  }
}

TEST_CASE("LeNet-5 with BEAN has PyTorch's loss and gradients", "[layers]") {
  const test::Golden golden("bean_lenet5");
  Sequential net = lenet5();
  test::set_golden_parameters(net);
  net.to(DType::float64);
  const Tensor x = test::golden_positive(test::input_stream, {3, 1, 28, 28});
  for (const auto& [order, alpha] : {std::pair(1, 3.0), std::pair(2, 100.0)}) {
    const std::string prefix = "model.order" + std::to_string(order) + ".";
    INFO(prefix);
    const Bean bean(
        {.order = order, .alpha = alpha, .normalization = Normalization::published_code});
    std::vector<DenseTap> taps;
    Context context{.training = true, .taps = &taps};
    const Tensor logits = net(x, context);
    const Tensor penalty = bean.penalty(taps);
    const Tensor loss = cross_entropy(logits, test::golden_labels(3)) + penalty;
    loss.backward();
    CHECK(golden.difference(prefix + "penalty", penalty) < 1e-12);
    CHECK(golden.difference(prefix + "loss", loss) < 1e-12);
    const std::vector<NamedTensor> parameters = net.parameters();
    for (size_t k = 0; k < parameters.size(); ++k) {
      CHECK(golden.difference(prefix + "grad." + std::to_string(k), parameters[k].tensor.grad()) <
            1e-12);
      parameters[k].tensor.zero_grad();
    }
  }
}

TEST_CASE("whole models have the gradients of their losses", "[layers]") {
  SECTION("an MLP of tanh units with dropout") {
    Sequential net = mlp({6, 5, 4, 3}, {.activation = Activation::Kind::tanh, .dropout = 0.3});
    net.to(DType::float64);
    const Tensor x = test::golden_signed(7, {4, 6});
    const Tensor labels = Tensor::from<int64_t>({0, 2, 1, 2}, {4});
    check_gradients(net, [&] {
      Generator generator(5);  // the same mask every time
      Context context{.training = true, .generator = &generator};
      return cross_entropy(net(x, context), labels);
    });
  }
  SECTION("convolutions, normalisation and pooling") {
    Generator generator(2);
    Sequential net;
    net.add("conv1", Conv2d({.in = 2, .out = 3, .kernel = 3, .padding = 1}, generator))
        .add("norm", BatchNorm2d({.channels = 3}))
        .add("tanh", Activation(Activation::Kind::tanh))
        .add("pool", AvgPool2d({.kernel = 2}))
        .add("conv2", Conv2d({.in = 3, .out = 4, .kernel = 2, .stride = 2}, generator))
        .add("sigmoid", Activation(Activation::Kind::sigmoid))
        .add("max", MaxPool2d({.kernel = 2, .stride = 1}))
        .add("flatten", Flatten())
        .add("fc", Linear({.in = 8, .out = 3}, generator));
    net.to(DType::float64);
    const Tensor x = test::golden_signed(8, {3, 2, 10, 12});
    const Tensor labels = Tensor::from<int64_t>({0, 2, 1}, {3});
    check_gradients(net, [&] {
      Context context{.training = true};
      return cross_entropy(net(x, context), labels);
    });
  }
}

TEST_CASE("models take images or rows", "[layers]") {
  for (const auto& known : known_models()) {
    const std::unique_ptr<Module> model = make_model(known.name);
    const Tensor x = test::golden_positive(1, {3, 784}).to(DType::float32);
    const std::vector<float> rows = (*model)(x).to_vector<float>();
    CHECK((*model)(x.reshape({3, 1, 28, 28})).to_vector<float>() == rows);
    CHECK_THROWS_AS((*model)(Tensor::zeros({3, 100})), ShapeError);
  }
}

TEST_CASE("models are made by name for other data", "[layers]") {
  CHECK(make_model("mlp")->parameter_count() == 784 * 500 + 500 + 5000 + 10);
  CHECK(make_model("mlp:784-32-16-10")->parameter_count() ==
        784 * 32 + 32 + 32 * 16 + 16 + 160 + 10);
  CHECK(
      make_model("mlp", {.input = {3, 32, 32}, .classes = 7, .hidden = {20}})->parameter_count() ==
      3072 * 20 + 20 + 140 + 7);
  CHECK(make_model("mlp", {.input = {5}, .hidden = {}})->parameter_count() == 60);
  const std::unique_ptr<Module> colour = make_model("lenet5", {.input = {3, 32, 32}});
  CHECK(colour->parameter_count() == 62006 + (16 * 36 - 400) * 120);
  CHECK((*colour)(Tensor::zeros({2, 3, 32, 32})).shape() == Shape{2, 10});
  CHECK((*make_model("lenet5", {.input = {1, 12, 17}, .classes = 4}))(Tensor::zeros({1, 1, 12, 17}))
            .shape() == Shape{1, 4});

  CHECK_THROWS_WITH(make_model("vgg"),
                    "[model] expected one of mlp, lenet5, resnet18, got \"vgg\"");
  CHECK_THROWS_AS(make_model("mlp:784-x-10"), ValueError);
  CHECK_THROWS_AS(make_model("mlp:784--10"), ValueError);
  CHECK_THROWS_AS(make_model("mlp:784-"), ValueError);
  CHECK_THROWS_AS(make_model("mlp:784-0-10"), ValueError);
  CHECK_THROWS_AS(make_model("mlp:100-10"), ValueError);
  CHECK_THROWS_AS(make_model("mlp:784-20"), ValueError);
  CHECK_THROWS_AS(make_model("lenet5:6-16"), ValueError);
  CHECK_THROWS_AS(make_model("lenet5", {.input = {1, 11, 28}}), ShapeError);
  CHECK_THROWS_AS(make_model("lenet5", {.input = {784}}), ShapeError);
  CHECK_THROWS_AS(make_model("lenet5", {.dropout = 1.5}), ValueError);
  CHECK_THROWS_AS(make_model("resnet18", {.dropout = 0.5}), ValueError);
  CHECK_THROWS_AS(make_model("resnet18", {.activation = Activation::Kind::tanh}), ValueError);
  CHECK_THROWS_AS(make_model("resnet18:64", {.input = {3, 32, 32}}), ValueError);
}

TEST_CASE("dropout stands after the dense activations", "[layers]") {
  const auto layers = [](const Module& model) {
    std::string text;
    for (const Module::Child& child : model.children()) text += child.name + " ";
    return text;
  };
  CHECK(layers(lenet5({.dropout = 0.5})) ==
        "unflatten conv1 pool1 activation1 conv2 pool2 activation2 flatten fc1 activation3 "
        "dropout1 fc2 activation4 dropout2 fc3 ");
  CHECK(layers(mlp({4, 3, 2}, {.dropout = 0.5})) == "flatten fc1 activation1 dropout1 fc2 ");
  CHECK(layers(mlp({4, 3, 2})) == "flatten fc1 activation1 fc2 ");
}

TEST_CASE("the summary of LeNet-5", "[layers]") {
  const Summary table = summary(lenet5(), {1, 28, 28});
  CHECK(table.parameters == 61706);
  CHECK(table.multiply_adds == 416520);
  std::vector<std::string> paths;
  std::vector<int64_t> multiply_adds;
  for (const Summary::Row& row : table.rows) {
    if (row.parameters == 0) continue;
    paths.push_back(row.path);
    multiply_adds.push_back(row.multiply_adds);
  }
  CHECK(paths == std::vector<std::string>{"conv1", "conv2", "fc1", "fc2", "fc3"});
  CHECK(multiply_adds == std::vector<int64_t>{117600, 240000, 48000, 10080, 840});
  CHECK(table.rows[1].output == Shape{6, 28, 28});
  CHECK(table.rows[1].description == "Conv2d(1, 6, 5x5, padding 2)");
  CHECK(table.rows.size() == 13);
  const std::string text = table.to_string();
  CHECK(text.find("fc1") != text.npos);
  CHECK(text.find("61,706        416,520\n") != text.npos);
}

TEST_CASE("a summary works in the model's own element type", "[layers]") {
  Sequential net = mlp({4, 3, 2});
  net.to(DType::float64);
  CHECK(summary(net, {4}).multiply_adds == 18);
}
