#include "layers/models/resnet.hpp"

#include <cmath>

#include "core/autograd.hpp"
#include "core/error.hpp"
#include "core/ops/softmax.hpp"
#include "core/serialize.hpp"
#include "layers/summary.hpp"
#include "optim/adam.hpp"
#include "regularizers/bean.hpp"
#include "tests/catch.hpp"
#include "tests/golden/golden.hpp"
#include "tests/layers/names.hpp"
#include "tests/temporary_folder.hpp"

using namespace hebb;

namespace {

const Shape small_images{4, 3, 16, 16};

/// In the starting state of the golden file.
ResNet golden_resnet(DType dtype) {
  ResNet net = resnet18({.input = small_images.without(0)});
  test::set_golden_parameters(net);
  net.to(dtype);
  return net;
}

double worst_of(const test::Golden& golden, const std::string& prefix,
                const std::vector<NamedTensor>& tensors, bool gradients = false) {
  double worst = 0;
  for (const auto& [name, tensor] : tensors)
    worst = std::max(worst, golden.difference(prefix + name, gradients ? tensor.grad() : tensor));
  return worst;
}

/// The steps of the golden file's training that are asked for, with what is known of each.
void check_training(DType dtype, int steps, double once, double statistics) {
  const test::Golden golden("resnet18");
  const ResNet net = golden_resnet(dtype);
  const Tensor x = test::golden_positive(test::input_stream, small_images).to(dtype);
  const Tensor labels = test::golden_labels(small_images[0]);
  const std::vector<double> losses = golden.values("losses");
  Adam adam(net.parameters(), {.lr = 2e-5});
  for (int step = 0; step < steps; ++step) {
    adam.zero_grad();
    Context context{.training = true};
    const Tensor logits = net(x, context);
    const Tensor loss = cross_entropy(logits, labels);
    CHECK(loss.item() == Approx(losses[size_t(step)]).epsilon(once));
    loss.backward();
    if (step == 0) {
      CHECK(golden.difference("logits", logits) < once);
      CHECK(worst_of(golden, "grad.", net.parameters(), true) < once);
      CHECK(worst_of(golden, "first.", net.buffers()) < statistics);
    }
    adam.step();
  }
  if (steps < int(losses.size())) return;
  CHECK(worst_of(golden, "trained.", net.parameters()) < once);
  CHECK(worst_of(golden, "trained.", net.buffers()) < once);
  CHECK(golden.difference("inference", net(x)) < once);
}

}  // namespace

TEST_CASE("ResNet-18 trains as PyTorch's does", "[layers]") {
  check_training(DType::float64, 5, 1e-8, 1e-13);
  // Roundings reach 1.3e-4 of a gradient and, with Winograd's convolutions, 1.3e-5 of a running
  // statistic, more or less as the compiler fuses multiply and add.
  check_training(DType::float32, 1, 5e-4, 5e-5);
}

TEST_CASE("ResNet-18 has torchvision's parameters under their names", "[layers]") {
  const ResNet net = resnet18();
  CHECK(net.parameter_count() == 11173962);
  const std::vector<std::string> parameters = test::names(net.parameters());
  CHECK(parameters.size() == 62);
  CHECK(std::vector<std::string>(parameters.begin(), parameters.begin() + 6) ==
        std::vector<std::string>{"conv1.weight", "bn1.weight", "bn1.bias", "layer1.0.conv1.weight",
                                 "layer1.0.bn1.weight", "layer1.0.bn1.bias"});
  CHECK(
      std::vector<std::string>(parameters.end() - 4, parameters.end()) ==
      std::vector<std::string>{"layer4.1.bn2.weight", "layer4.1.bn2.bias", "fc.weight", "fc.bias"});
  const State state = net.state();
  CHECK(state.at("layer2.0.downsample.0.weight").shape() == Shape{128, 64, 1, 1});
  CHECK(state.at("layer4.0.downsample.1.running_var").shape() == Shape{512});
  CHECK_FALSE(state.contains("layer1.0.downsample.0.weight"));
  CHECK(net.buffers().size() == 40);
  CHECK(resnet18({.input = {3, 224, 224}, .classes = 1000}).parameter_count() == 11689512);
}

TEST_CASE("ResNet-18 loads a file with torchvision's names", "[layers]") {
  const ResNet from = resnet18({.input = {3, 8, 8}, .generator = Generator(1)});
  State file = from.state();
  size_t normalizations = 0;
  for (const auto& [name, tensor] : from.state())
    if (name.ends_with(".running_mean")) {
      file[name.substr(0, name.rfind('.')) + ".num_batches_tracked"] =
          Tensor::from<int64_t>({7}, {});
      ++normalizations;
    }
  CHECK(normalizations == 20);
  CHECK(file.size() == 122);  // as many as torchvision's state_dict() has
  const test::TemporaryFolder folder;
  save_safetensors(folder / "resnet18.safetensors", file);
  ResNet to = resnet18({.input = {3, 8, 8}, .generator = Generator(2)});
  to.load_state(load_safetensors(folder / "resnet18.safetensors").tensors);
  for (const auto& [name, tensor] : from.state()) {
    CAPTURE(name);
    CHECK(tensor.to_vector<float>() == to.state().at(name).to_vector<float>());
  }
  file.erase("fc.bias");
  file["fc.scale"] = Tensor::ones({1});
  CHECK_THROWS_WITH(to.load_state(file), ContainsSubstring("missing fc.bias [10]") &&
                                             ContainsSubstring("unexpected fc.scale"));
}

TEST_CASE("ResNet-18 starts as torchvision's", "[layers]") {
  const State state = resnet18({.generator = Generator(4)}).state();
  const auto deviation = [&](const std::string& name) {
    double squares = 0;
    const std::vector<float> values = state.at(name).to_vector<float>();
    for (const float value : values) squares += double(value) * double(value);
    return std::sqrt(squares / double(values.size()));
  };
  CHECK(deviation("layer2.0.conv1.weight") == Approx(std::sqrt(2.0 / (128 * 9))).epsilon(0.01));
  CHECK(deviation("layer3.0.downsample.0.weight") == Approx(std::sqrt(2.0 / 256)).epsilon(0.02));
  CHECK(deviation("fc.weight") == Approx(1 / std::sqrt(3.0 * 512)).epsilon(0.02));
  CHECK(deviation("bn1.weight") == 1);
  CHECK(deviation("bn1.bias") == 0);
}

TEST_CASE("ResNet-18's stem follows the size of the images", "[layers]") {
  using Stem = ResNetOptions::Stem;
  const auto planes = [](int64_t size, Stem stem, const char* path) {
    const Shape input{3, size, size};
    const Summary table = summary(resnet18({.input = input, .stem = stem}), input);
    for (const Summary::Row& row : table.rows)
      if (row.path == path) return row.output;
    return Shape{};
  };
  CHECK(planes(32, Stem::by_size, "layer1.0.bn2") == Shape{64, 32, 32});
  CHECK(planes(64, Stem::by_size, "layer1.0.bn2") == Shape{64, 32, 32});
  CHECK(planes(224, Stem::by_size, "layer1.0.bn2") == Shape{64, 56, 56});
  CHECK(planes(224, Stem::by_size, "layer4.1.bn2") == Shape{512, 7, 7});
  CHECK(planes(64, Stem::small, "conv1") == Shape{64, 64, 64});
  CHECK(planes(32, Stem::large, "maxpool") == Shape{64, 8, 8});
  CHECK(summary(resnet18(), {3, 32, 32}).multiply_adds == 555422720);
  CHECK_THROWS_AS(resnet18({.input = {784}}), ShapeError);
  CHECK_THROWS_AS(resnet18({.width = 0}), ValueError);
  CHECK(resnet18({.width = 8}).state().at("fc.weight").shape() == Shape({10, 64}));
}

TEST_CASE("BEAN sees ResNet-18's pooled features as neurons", "[layers]") {
  const ResNet net = resnet18({.input = {1, 8, 8}, .classes = 5});
  std::vector<DenseTap> taps;
  Context context{.training = true, .taps = &taps};
  net(test::golden_positive(1, {2, 1, 8, 8}).to(DType::float32), context);
  REQUIRE(taps.size() == 1);
  CHECK(*taps[0].name == "fc");
  CHECK(taps[0].input.shape() == Shape{2, 512});
  CHECK_FALSE(taps[0].raw_input);
  Bean({.order = 1}).penalty(taps).backward();
  CHECK(net.state().at("layer4.1.bn2.weight").grad().defined());
}

TEST_CASE("residual blocks may start as the identity", "[layers]") {
  const ResNet net = resnet18({.input = small_images.without(0), .init = {.residual = 0}});
  int blocks = 0;
  for (const auto& [name, tensor] : net.parameters()) {
    if (!name.ends_with("weight") || name.find("bn") == name.npos) continue;
    const bool last = name.find("bn2") != name.npos;
    INFO(name);
    CHECK(tensor.to_vector<float>() == std::vector<float>(size_t(tensor.numel()), last ? 0 : 1));
    blocks += last;
  }
  CHECK(blocks == 8);
}
