#include "apps/onnx/export.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <set>

#include "apps/onnx/onnx.pb.h"
#include "core/serialize.hpp"
#include "data/synthetic.hpp"
#include "layers/layers.hpp"
#include "tests/apps/process.hpp"
#include "tests/catch.hpp"
#include "tests/temporary_folder.hpp"

namespace hebb::apps {
namespace {

struct Case {
  std::string name, model;
  Shape input;
  Activation::Kind activation = Activation::Kind::relu;
  std::map<std::string, int> operators;
};

const Case cases[] = {{"mlp",
                       "mlp:784-20-10",
                       {1, 28, 28},
                       Activation::Kind::tanh,
                       {{"Flatten", 1}, {"Gemm", 2}, {"Tanh", 1}}},
                      {"lenet5",
                       "lenet5",
                       {1, 28, 28},
                       Activation::Kind::relu,
                       {{"Conv", 2}, {"MaxPool", 2}, {"Relu", 4}, {"Flatten", 1}, {"Gemm", 3}}},
                      {"mlp-sigmoid",
                       "mlp:784-20-10",
                       {1, 28, 28},
                       Activation::Kind::sigmoid,
                       {{"Flatten", 1}, {"Gemm", 2}, {"Sigmoid", 1}}},
                      {"resnet18",
                       "resnet18",
                       {3, 32, 32},
                       Activation::Kind::relu,
                       {{"Conv", 20},
                        {"Relu", 17},
                        {"Add", 8},
                        {"GlobalAveragePool", 1},
                        {"Flatten", 1},
                        {"Gemm", 1}}},
                      {"resnet18-large",
                       "resnet18",
                       {3, 160, 160},
                       Activation::Kind::relu,
                       {{"Conv", 20},
                        {"Relu", 17},
                        {"Add", 8},
                        {"MaxPool", 1},
                        {"GlobalAveragePool", 1},
                        {"Flatten", 1},
                        {"Gemm", 1}}}};

// With running statistics that are not those of the start.
std::unique_ptr<Module> model_of(const Case& c) {
  std::unique_ptr<Module> model =
      make_model(c.model, {.input = c.input,
                           .classes = 10,
                           .activation = c.activation,
                           .dropout = c.model == std::string("resnet18") ? 0 : 0.25,
                           .generator = Generator(3)});
  Generator random(5);
  for (const auto& [name, tensor] : model->buffers()) {
    const bool mean = name.ends_with("running_mean");
    for (float& value : tensor.host<float>())
      value = float(mean ? random.uniform(-0.1, 0.1) : random.uniform(0.5, 1.5));
  }
  return model;
}

const Normalize gray{{0.25f}, {0.5f}};

std::string export_of(const Case& c, const Module& model) {
  return to_onnx(model, {.input = c.input,
                         .normalize = c.input[0] == 1 ? &gray : nullptr,
                         .metadata = {{"model", c.model}}});
}

onnx::ModelProto parse(const std::string& bytes) {
  onnx::ModelProto proto;
  REQUIRE(proto.ParseFromString(bytes));
  return proto;
}

// Every value is there before it is used, once; gives how often each operator comes.
std::map<std::string, int> operators_of(const onnx::GraphProto& graph) {
  std::set<std::string> values = {graph.input(0).name()};
  for (const onnx::TensorProto& constant : graph.initializer()) {
    CAPTURE(constant.name());
    CHECK(values.insert(constant.name()).second);
    int64_t size = constant.data_type() == 7 ? 8 : 4;  // int64, float32
    for (const int64_t extent : constant.dims()) size *= extent;
    CHECK(int64_t(constant.raw_data().size()) == size);
  }
  std::map<std::string, int> operators;
  for (const onnx::NodeProto& node : graph.node()) {
    CAPTURE(node.name());
    for (const std::string& input : node.input()) CHECK(values.contains(input));
    REQUIRE(node.output_size() == 1);
    CHECK(values.insert(node.output(0)).second);
    ++operators[node.op_type()];
  }
  CHECK(values.contains(graph.output(0).name()));
  return operators;
}

}  // namespace

TEST_CASE("Models are ONNX graphs", "[apps]") {
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const onnx::ModelProto proto = parse(export_of(c, *model_of(c)));
    CHECK(proto.opset_import(0).version() == 17);
    CHECK(proto.metadata_props(0).value() == c.model);
    const onnx::GraphProto& graph = proto.graph();
    std::map<std::string, int> expected = c.operators;
    expected["Identity"] = 1;
    if (c.input[0] == 1) expected["Sub"] = expected["Div"] = 1;
    CHECK(operators_of(graph) == expected);
    const auto& dims = graph.input(0).type().tensor_type().shape().dim();
    CHECK(dims[0].dim_param() == "N");
    CHECK(dims[1].dim_value() == c.input[0]);
    CHECK(dims[3].dim_value() == c.input[2]);
    CHECK(graph.output(0).type().tensor_type().shape().dim(1).dim_value() == 10);
  }
  const onnx::ModelProto proto = parse(export_of(cases[1], *model_of(cases[1])));
  for (const onnx::NodeProto& node : proto.graph().node())
    if (node.name() == "conv1")
      for (const onnx::AttributeProto& attribute : node.attribute()) {
        if (attribute.name() == "pads")
          CHECK(std::vector<int64_t>(attribute.ints().begin(), attribute.ints().end()) ==
                std::vector<int64_t>(4, 2));
        if (attribute.name() == "kernel_shape") CHECK(attribute.ints(0) == 5);
      }
}

TEST_CASE("A border that differs from side to side is an ONNX node", "[apps]") {
  Generator generator(1);
  Sequential model;
  model.add("border", Pad2d({.left = 1, .right = 2, .bottom = 3, .value = -1}));
  model.add("conv", Conv2d({.in = 1, .out = 2, .kernel = 3}, generator));
  const onnx::ModelProto proto = parse(to_onnx(model, {.input = {1, 4, 5}}));
  CHECK(operators_of(proto.graph()).at("Pad") == 1);
  const onnx::TensorProto& sides = proto.graph().initializer(0);
  REQUIRE(sides.name() == "border.sides");
  std::vector<int64_t> values(8);
  REQUIRE(sides.raw_data().size() == sizeof(int64_t) * values.size());
  std::memcpy(values.data(), sides.raw_data().data(), sides.raw_data().size());
  CHECK(values == std::vector<int64_t>{0, 0, 0, 1, 0, 0, 3, 2});
}

TEST_CASE("A layer without an ONNX export is named", "[apps]") {
  class Cube final : public Module {
   public:
    std::string description() const override { return "Cube"; }
    Tensor forward(const Tensor& x, Context&) const override { return x * x * x; }
  };
  Generator generator(1);
  Sequential model;
  model.add("flatten", Flatten()).add("fc", Linear({.in = 4, .out = 2}, generator));
  model.add("cube", Cube());
  CHECK_THROWS_WITH(to_onnx(model, {.input = {1, 2, 2}}),
                    "[onnx] expected layers that ONNX files can have, got Cube (cube)");
}

TEST_CASE("Replicas are no model for an ONNX file", "[apps]") {
  Sequential model = mlp({4, 3, 2});
  const State state = mlp({4, 3, 2}).state();
  model.replicate(std::vector<State>{state, state});
  const auto first = std::ranges::find_if(
      model.children(), [](const Module::Child& child) { return child.name == "fc1"; });
  REQUIRE(first != model.children().end());
  CHECK_THROWS_WITH(to_onnx(model, {.input = {1, 2, 2}}),
                    ContainsSubstring("[onnx] expected layers of one network, got 2 replicas of "));
  CHECK_THROWS_WITH(to_onnx(*first->module, {.input = {4}}),
                    "[onnx] expected layers of one network, got 2 replicas of Linear(4, 3) (fc1)");
}

TEST_CASE("hebb-train --export-onnx writes the trained model", "[apps]") {
  const test::TemporaryFolder folder;
  const std::vector<std::string> command = {HEBB_BIN "/hebb-train",
                                            "--model",
                                            "mlp:784-10",
                                            "--train-limit",
                                            "50",
                                            "--test-limit",
                                            "20",
                                            "--epochs",
                                            "1",
                                            "--normalize",
                                            "--output",
                                            folder / "run",
                                            "--resume",
                                            "--export-onnx",
                                            folder / "a.onnx"};
  REQUIRE(test::run_process(command).code == 0);
  const auto bytes = [&] {
    std::ifstream file(folder / "a.onnx", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string first = bytes();
  const onnx::ModelProto proto = parse(first);
  CHECK(operators_of(proto.graph()).at("Gemm") == 1);
  CHECK(operators_of(proto.graph()).at("Sub") == 1);
  const auto weights = load_safetensors(folder / "run/model.safetensors").tensors;
  for (const onnx::TensorProto& constant : proto.graph().initializer())
    if (constant.name() == "fc1.weight")
      CHECK(constant.raw_data() ==
            std::string(static_cast<const char*>(weights.at("fc1.weight").data()), 784 * 10 * 4));
  std::filesystem::remove(folder / "a.onnx");
  REQUIRE(test::run_process(command).code == 0);  // the run is over: it is exported once more
  CHECK(bytes() == first);
}

// For scripts/check-onnx: models, and what they make of some images.
TEST_CASE("ONNX files for a check by another program", "[.onnx-files]") {
  const char* folder = std::getenv("HEBB_ONNX_FOLDER");
  REQUIRE(folder);
  for (const Case& c : cases) {
    const std::unique_ptr<Module> model = model_of(c);
    const std::string path = std::string(folder) + "/" + c.name;
    std::ofstream(path + ".onnx", std::ios::binary) << export_of(c, *model);
    Generator random(9);
    const Tensor images = Tensor::empty(c.input.inserted(0, 8));
    for (float& value : images.host<float>()) value = float(random.uniform());
    Tensor x = images;
    if (c.input[0] == 1) x = (images - gray.mean[0]) / gray.deviation[0];
    save_safetensors(path + ".safetensors", {{"images", images}, {"logits", (*model)(x)}});
  }
}

}  // namespace hebb::apps
