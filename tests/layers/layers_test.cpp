#include "layers/layers.hpp"

#include "core/autograd.hpp"
#include "core/error.hpp"
#include "core/ops/conv2d.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/fill.hpp"
#include "core/ops/pool2d.hpp"
#include "core/ops/reduce.hpp"
#include "tests/catch.hpp"
#include "tests/golden/golden.hpp"

using namespace hebb;

namespace {

std::vector<DenseTap> taps_of(const Module& model, const Tensor& x) {
  std::vector<DenseTap> taps;
  Context context{.taps = &taps};
  model(x, context);
  return taps;
}

}  // namespace

TEST_CASE("layers describe themselves", "[layers]") {
  Generator g;
  CHECK(Linear({.in = 4, .out = 2}, g).description() == "Linear(4, 2)");
  CHECK(Linear({.in = 4, .out = 2, .bias = false}, g).description() == "Linear(4, 2, no bias)");
  CHECK(Conv2d({.in = 1, .out = 6, .kernel = 5, .padding = 2}, g).description() ==
        "Conv2d(1, 6, 5x5, padding 2)");
  CHECK(Conv2d({.in = 3, .out = 8, .kernel = 3, .stride = 2, .dilation = 2, .bias = false}, g)
            .description() == "Conv2d(3, 8, 3x3, stride 2, dilation 2, no bias)");
  CHECK(MaxPool2d({.kernel = 2}).description() == "MaxPool2d(2x2)");
  CHECK(AvgPool2d({.kernel = 3, .stride = 2, .padding = 1}).description() ==
        "AvgPool2d(3x3, stride 2, padding 1)");
  CHECK(Conv2d({.in = 4, .out = 8, .kernel = 3, .groups = 2}, g).description() ==
        "Conv2d(4, 8, 3x3, groups 2)");
  CHECK(AvgPool2d({.kernel = 3, .dilation = 2, .ceil_mode = true, .count_include_pad = false})
            .description() == "AvgPool2d(3x3, dilation 2, rounded up, padding not counted)");
  CHECK(Pad2d({.left = 1, .bottom = 2}).description() == "Pad2d(left 1, right 0, top 0, bottom 2)");
  CHECK(Pad2d({.top = 1, .value = -1}).description() ==
        "Pad2d(left 0, right 0, top 1, bottom 0, value -1)");
  CHECK(BatchNorm2d({.channels = 16}).description() == "BatchNorm2d(16)");
  CHECK(Dropout({.p = 0.25}).description() == "Dropout(0.25)");
  CHECK(Activation(Activation::kinds().at("tanh")).description() == "Tanh");
  CHECK(Unflatten({1, 28, 28}).description() == "Unflatten(1, 28, 28)");
}

TEST_CASE("layers refuse options out of their range", "[layers]") {
  Generator g;
  CHECK_THROWS_AS(Linear({.in = 0, .out = 2}, g), ValueError);
  CHECK_THROWS_AS(Conv2d({.in = 1, .out = 1, .kernel = 0}, g), ValueError);
  CHECK_THROWS_AS(Conv2d({.in = 1, .out = 1, .kernel = 1, .padding = -1}, g), ValueError);
  CHECK_THROWS_WITH(Conv2d({.in = 4, .out = 6, .kernel = 1, .groups = 4}, g),
                    "[Conv2d] expected groups that divide in = 4 and out = 6, got 4");
  CHECK_THROWS_AS(Conv2d({.in = 4, .out = 4, .kernel = 1, .groups = 0}, g), ValueError);
  CHECK_THROWS_AS(MaxPool2d({.kernel = 0}), ValueError);
  CHECK_THROWS_AS(MaxPool2d({.kernel = 2, .dilation = 0}), ValueError);
  CHECK_THROWS_AS(AvgPool2d({.kernel = 2, .padding = 2}), ValueError);
  CHECK_THROWS_WITH(
      Pad2d({.right = -1}),
      "[Pad2d] expected sides of at least 0 pixels, got left = 0, right = -1, top = 0, "
      "bottom = 0");
  CHECK_THROWS_AS(BatchNorm2d({.channels = 0}), ValueError);
  CHECK_THROWS_AS(Dropout({.p = 1}), ValueError);
  CHECK_THROWS_AS(Activation::kinds().at("gelu"), ValueError);
}

TEST_CASE("layers compute what their names say", "[layers]") {
  Generator g;
  Context context;
  const Tensor x = Tensor::from<float>({1, 2, 3, 4, 5, 6, 7, 8}, {1, 2, 2, 2});
  CHECK(MaxPool2d({.kernel = 2})(x, context).to_vector<float>() == std::vector<float>{4, 8});
  CHECK(AvgPool2d({.kernel = 2})(x, context).to_vector<float>() == std::vector<float>{2.5, 6.5});
  CHECK(MaxPool2d({.kernel = 2, .stride = 1})(x, context).shape() == Shape{1, 2, 1, 1});
  CHECK(GlobalAvgPool2d()(x, context).to_vector<float>() == std::vector<float>{2.5, 6.5});
  CHECK(GlobalAvgPool2d()(x, context).shape() == Shape{1, 2});
  CHECK(Flatten()(x, context).shape() == Shape{1, 8});
  CHECK(Flatten()(Tensor::zeros({0, 3, 2}), context).shape() == Shape{0, 6});
  CHECK(Unflatten({2, 2, 2})(Flatten()(x, context), context).shape() == x.shape());
  const Tensor padded = Pad2d({.left = 1, .right = 2, .top = 1, .value = 9})(x, context);
  CHECK(padded.shape() == Shape{1, 2, 3, 5});
  CHECK(padded.to_vector<float>() == std::vector<float>{9, 9, 9, 9, 9, 9, 1, 2, 9, 9,
                                                        9, 3, 4, 9, 9, 9, 9, 9, 9, 9,
                                                        9, 5, 6, 9, 9, 9, 7, 8, 9, 9});
  CHECK_THROWS_WITH(Pad2d({.left = 1})(Flatten()(x, context), context),
                    "[Pad2d] expected input of shape [S, C, H, W], got [1, 8]");
  CHECK_THROWS_WITH(Unflatten({1, 28, 28})(x, context),
                    "[Unflatten] expected input of shape [S, 1, 28, 28] or [S, 784], got "
                    "[1, 2, 2, 2]");

  const Tensor v = Tensor::from<float>({-1, 0, 2}, {3});
  const auto activation = [&](const char* name) {
    return Activation(Activation::kinds().at(name))(v, context).to_vector<float>();
  };
  CHECK(activation("relu") == std::vector<float>{0, 0, 2});
  CHECK(activation("tanh")[2] == Approx(std::tanh(2.0)));
  CHECK(activation("sigmoid")[0] == Approx(1 / (1 + std::exp(1.0))));

  const Linear linear({.in = 3, .out = 2}, g);
  linear.weight().copy_from(Tensor::from<float>({1, 2, 3, 4, 5, 6}, {2, 3}));
  linear.bias().copy_from(Tensor::from<float>({10, 20}, {2}));
  CHECK(linear(v.reshape({1, 3})).to_vector<float>() == std::vector<float>{15, 28});
}

TEST_CASE("convolutions and pooling take the options of their operations", "[layers]") {
  Generator g(3);
  Context context;
  const Tensor x = Tensor::empty({2, 4, 7, 7});
  fill_uniform(x, -1, 1, g);
  const Conv2d grouped({.in = 4, .out = 6, .kernel = 3, .groups = 2}, g);
  CHECK(grouped.weight().shape() == Shape{6, 2, 3, 3});
  CHECK(grouped(x, context).to_vector<float>() ==
        conv2d(x, grouped.weight(), grouped.bias(), {.groups = 2}).to_vector<float>());
  CHECK(grouped.multiply_adds(x.shape(), {2, 6, 5, 5}) == 2 * 6 * 5 * 5 * 2 * 9);

  const PoolingOptions options{
      .kernel = 2, .padding = 1, .dilation = 2, .ceil_mode = true, .count_include_pad = false};
  const Pool2dOptions same{.pad_h = 1,
                           .pad_w = 1,
                           .dilation_h = 2,
                           .dilation_w = 2,
                           .ceil_mode = true,
                           .count_include_pad = false};
  CHECK(MaxPool2d(options)(x, context).to_vector<float>() ==
        max_pool2d(x, same).to_vector<float>());
  CHECK(AvgPool2d(options)(x, context).to_vector<float>() ==
        avg_pool2d(x, same).to_vector<float>());
  CHECK(AvgPool2d(options)(x, context).to_vector<float>() !=
        AvgPool2d({.kernel = 2, .padding = 1, .dilation = 2, .ceil_mode = true})(x, context)
            .to_vector<float>());
}

TEST_CASE("dropout follows the context", "[layers]") {
  const Dropout layer({.p = 0.25});
  const Tensor x = Tensor::ones({100, 100});
  const auto zeros = [&](Context context) {
    double count = 0;
    for (const float value : layer(x, context).to_vector<float>()) {
      CHECK((value == 0 || value == Approx(1 / 0.75)) != (value == 1));
      count += value == 0;
    }
    return count / double(x.numel());
  };
  using Mode = Context::Dropout;
  Generator generator(3);
  CHECK(zeros({}) == 0);
  CHECK(zeros({.training = true, .generator = &generator}) == Approx(0.25).margin(0.02));
  CHECK(zeros({.training = true, .dropout = Mode::off}) == 0);
  CHECK(zeros({.generator = &generator, .dropout = Mode::on}) == Approx(0.25).margin(0.02));
  CHECK_THROWS_WITH(zeros({.training = true}), "[Dropout] expected a generator in the context");
  CHECK_NOTHROW(zeros({.dropout = Mode::as_training}));

  // The mask is the generator's, and no other.
  Generator a(9), b(9);
  Context with_a{.training = true, .generator = &a}, with_b{.training = true, .generator = &b};
  const std::vector<float> mask = layer(x, with_a).to_vector<float>();
  CHECK(mask == layer(x, with_b).to_vector<float>());
  CHECK(mask != layer(x, with_b).to_vector<float>());
}

TEST_CASE("batch normalisation equals PyTorch's", "[layers]") {
  const test::Golden golden("batch_norm");
  const Shape shape{4, 3, 5, 7};
  for (const DType dtype : {DType::float64, DType::float32}) {
    const std::string prefix = std::string(name_of(dtype)) + ".";
    const double tolerance = dtype == DType::float64 ? 1e-13 : 2e-6;
    BatchNorm2d layer({.channels = 3});
    State state = layer.state();
    state.at("weight").copy_from(test::golden_signed(1, {3}, 0.5, 1));
    state.at("bias").copy_from(test::golden_signed(2, {3}));
    layer.to(dtype);
    const Tensor upstream = test::golden_signed(test::upstream_stream, shape).to(dtype);
    Tensor x;
    const auto check_pass = [&](const std::string& name, bool training) {
      x.set_requires_grad();
      Context context{.training = training};
      const Tensor y = layer(x, context);
      sum(y * upstream).backward();
      CHECK(golden.difference(prefix + name + ".y", y) < tolerance);
      CHECK(golden.difference(prefix + name + ".dx", x.grad()) < tolerance);
      CHECK(golden.difference(prefix + name + ".dweight", state.at("weight").grad()) < tolerance);
      CHECK(golden.difference(prefix + name + ".dbias", state.at("bias").grad()) < tolerance);
      for (const NamedTensor& parameter : layer.parameters()) parameter.tensor.zero_grad();
      x.zero_grad();
    };
    for (int b = 0; b < 3; ++b) {
      const std::string name = "batch" + std::to_string(b);
      INFO(prefix << name);
      x = test::golden_signed(test::input_stream + uint32_t(b), shape, 2, 0.5).to(dtype);
      check_pass(name, true);
      for (const NamedTensor& buffer : layer.buffers())
        CHECK(golden.difference(prefix + name + "." + buffer.name, buffer.tensor) < tolerance);
    }
    check_pass("inference", false);
  }
}

TEST_CASE("modules that are computed at once give the bits of one after the other", "[layers]") {
  const auto run = [](const Sequential& net, const Shape& input, bool one_by_one) {
    std::vector<std::vector<float>> all;
    Generator random(2);
    std::vector<std::string> seen;
    Context context{.training = true};
    if (one_by_one)
      context.observe = [&](const Module& module, const Tensor&, const Tensor&) {
        seen.push_back(module.path());
      };
    Tensor x = Tensor::empty(input);
    fill_normal(x, 0, 1, random);
    x.set_requires_grad();
    const Tensor y = net(x, context);
    sum(square(y)).backward();
    if (one_by_one) CHECK(seen.size() == net.children().size() + 1);
    all.push_back(y.detach().to_vector<float>());
    all.push_back(x.grad().to_vector<float>());
    for (const NamedTensor& parameter : net.parameters()) {
      all.push_back(parameter.tensor.grad().to_vector<float>());
      parameter.tensor.zero_grad();
    }
    return all;
  };
  const auto same = [&](const Sequential& net, const Shape& input) {
    CHECK(run(net, input, false) == run(net, input, true));
  };
  same(mlp({16, 9, 8, 3}), {5, 16});
  same(lenet5(), {7, 1, 28, 28});
  for (const Activation::Kind kind : {Activation::Kind::tanh, Activation::Kind::relu}) {
    // The activation may be missing, or no ReLU; a pooling may come first.
    Generator g(1);
    Sequential net;
    net.add("pool", MaxPool2d({.kernel = 2}))
        .add("conv", Conv2d({.in = 2, .out = 3, .kernel = 3}, g))
        .add("pool2", MaxPool2d({.kernel = 3, .stride = 2, .padding = 1}))
        .add("conv3", Conv2d({.in = 3, .out = 4, .kernel = 1}, g))
        .add("pool3", MaxPool2d({.kernel = 1}))
        .add("activation", Activation(kind))
        .add("flatten", Flatten())
        .add("fc", Linear({.in = 16, .out = 5}, g))
        .add("activation2", Activation(kind));
    same(net, {3, 2, 11, 11});
  }
}

TEST_CASE("dense layers put taps into the context", "[layers]") {
  SECTION("an MLP's first layer sees pixels") {
    const Sequential net = mlp({16, 8, 4, 2});
    for (const Shape& shape : {Shape{3, 16}, Shape{3, 1, 4, 4}}) {
      const std::vector<DenseTap> taps = taps_of(net, Tensor::ones(shape));
      REQUIRE(taps.size() == 3);
      CHECK(*taps[0].name == "fc1");
      CHECK(*taps[2].name == "fc3");
      CHECK(taps[0].raw_input);
      CHECK_FALSE(taps[1].raw_input);
      CHECK_FALSE(taps[2].raw_input);
      CHECK(taps[1].input.shape() == Shape{3, 8});
      CHECK(taps[1].weight.shape() == Shape{4, 8});
      CHECK(taps[1].bias.shape() == Shape{4});
      CHECK(taps[1].output.shape() == Shape{3, 4});
      CHECK(taps[1].weight.body() == net.state().at("fc2.weight").body());
      CHECK(taps[0].relu);
      CHECK_FALSE(taps[2].relu);
      CHECK(taps[0].output.to_vector<float>() == taps[1].input.to_vector<float>());
    }
  }
  SECTION("another activation is none that the output has seen") {
    const std::vector<DenseTap> taps =
        taps_of(mlp({16, 8, 2}, {.activation = Activation::Kind::tanh}), Tensor::ones({3, 16}));
    CHECK_FALSE(taps[0].relu);
    CHECK(tanh(taps[0].output).to_vector<float>() == taps[1].input.to_vector<float>());
  }
  SECTION("LeNet-5's dense layers see activations alone") {
    for (const Shape& shape : {Shape{2, 1, 28, 28}, Shape{2, 784}}) {
      const std::vector<DenseTap> taps = taps_of(lenet5(), Tensor::ones(shape));
      REQUIRE(taps.size() == 3);
      for (const DenseTap& tap : taps) CHECK_FALSE(tap.raw_input);
      CHECK(taps[0].input.shape() == Shape{2, 400});
    }
  }
  SECTION("a slice of a larger set is raw input too") {
    const Tensor all = Tensor::ones({10, 16});
    CHECK(taps_of(mlp({16, 2}), all.slice(2, 5))[0].raw_input);
  }
  SECTION("a tap is part of the graph") {
    const Sequential net = mlp({4, 3, 2});
    std::vector<DenseTap> taps;
    Context context{.taps = &taps};
    net(Tensor::ones({1, 4}), context);
    sum(square(taps[1].input)).backward();
    CHECK(net.state().at("fc1.weight").grad().defined());
  }
}

TEST_CASE("an analysis can edit what a dense layer sees", "[layers]") {
  const Sequential net = mlp({4, 3, 2});
  const Tensor x = Tensor::ones({2, 4});
  std::vector<std::string> seen;
  std::vector<DenseTap> taps;
  Context context{.taps = &taps};
  context.edit_dense_input = [&](const std::string& layer, const Tensor& input) {
    seen.push_back(layer);
    return layer == "fc2" ? input * 0.0 : input;
  };
  const Tensor y = net(x, context);
  CHECK(seen == std::vector<std::string>{"fc1", "fc2"});
  const std::vector<float> bias = net.state().at("fc2.bias").to_vector<float>();
  CHECK(y.to_vector<float>() == std::vector<float>{bias[0], bias[1], bias[0], bias[1]});
  CHECK(taps[1].input.to_vector<float>() == std::vector<float>(6, 0));
  CHECK(taps[0].raw_input);
}

TEST_CASE("an observer sees every module, inner ones first", "[layers]") {
  const Sequential net = mlp({4, 3, 2});
  std::vector<std::string> seen;
  Context context;
  context.observe = [&](const Module& module, const Tensor&, const Tensor& y) {
    seen.push_back(module.path() + " " + y.shape().to_string());
  };
  net(Tensor::ones({5, 2, 2}), context);
  CHECK(seen == std::vector<std::string>{"flatten [5, 4]", "fc1 [5, 3]", "activation1 [5, 3]",
                                         "fc2 [5, 2]", " [5, 2]"});
}
