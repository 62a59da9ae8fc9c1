#include "apps/onnx/export.hpp"

#include <functional>
#include <initializer_list>
#include <utility>
#include <vector>

#include "apps/onnx/onnx.pb.h"
#include "core/check.hpp"
#include "core/version.hpp"
#include "layers/layers.hpp"

namespace hebb::apps {
namespace {

constexpr int float32 = 1, int64 = 7;  // ONNX's numbers of the types
constexpr int operator_set = 17, ir_version = 8;

using Ints = std::vector<int64_t>;

// The graph as it grows: values go by their names.
class Graph {
 public:
  explicit Graph(onnx::GraphProto& proto) : proto_(proto) {}

  onnx::NodeProto& node(const char* type, const std::string& name,
                        const std::vector<std::string>& inputs) {
    onnx::NodeProto& node = *proto_.add_node();
    node.set_op_type(type);
    node.set_name(name);
    for (const std::string& input : inputs) node.add_input(input);
    node.add_output(name);
    return node;
  }

  /// Of float32, or of int64 where the tensor is.
  std::string constant(const std::string& name, const Tensor& tensor) {
    const bool integers = tensor.dtype() == DType::int64;
    const Tensor host = tensor.detach().to(Device::cpu());
    const Tensor values = integers ? host : host.to(DType::float32);
    onnx::TensorProto& proto = *proto_.add_initializer();
    proto.set_name(name);
    proto.set_data_type(integers ? int64 : float32);
    for (const int64_t extent : values.shape()) proto.add_dims(extent);
    proto.set_raw_data(values.data(), values.bytes());
    return name;
  }

 private:
  onnx::GraphProto& proto_;
};

void set(onnx::NodeProto& node, const char* name, int64_t value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
}

void set(onnx::NodeProto& node, const char* name, const Ints& values) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INTS);
  for (const int64_t value : values) attribute.add_ints(value);
}

// A module's nodes after the value `x`; gives the name of its own value.
class Exporter {
 public:
  explicit Exporter(Graph& graph) : graph_(graph) {}

  std::string add(const Module& module, const std::string& x) {
    const std::string& path = module.path();
    if (dynamic_cast<const Dropout*>(&module) || dynamic_cast<const Unflatten*>(&module)) return x;
    if (const auto* conv = dynamic_cast<const Conv2d*>(&module))
      return convolution(*conv, conv->weight(), conv->bias(), x);
    if (const auto* linear = dynamic_cast<const Linear*>(&module)) return dense(*linear, x);
    if (const auto* activation = dynamic_cast<const Activation*>(&module))
      return function(activation->kind(), path, x);
    if (const auto* pool = dynamic_cast<const MaxPool2d*>(&module))
      return pooling("MaxPool", pool->options(), path, x);
    if (const auto* pool = dynamic_cast<const AvgPool2d*>(&module))
      return pooling("AveragePool", pool->options(), path, x);
    if (dynamic_cast<const GlobalAvgPool2d*>(&module)) {
      graph_.node("GlobalAveragePool", path, {x});
      return flat(path + ".flat", path);
    }
    if (const auto* border = dynamic_cast<const Pad2d*>(&module))
      return padding(border->options(), path, x);
    if (dynamic_cast<const Flatten*>(&module)) return flat(path, x);
    if (dynamic_cast<const Sequential*>(&module)) return sequence(module, 0, x);
    if (dynamic_cast<const ResNet*>(&module)) {
      const std::string stem = normalized(child(module, "conv1"), child(module, "bn1"), x);
      return sequence(module, 3, rectified(path, "stem", stem));
    }
    if (module.description() == "BasicBlock") return block(module, x);
    if (module.description() == "Downsample")
      return normalized(child(module, "0"), child(module, "1"), x);
    fail("[onnx] expected layers that ONNX files can have, got {} ({})", module.description(),
         path);
  }

 private:
  static const Module& child(const Module& module, const std::string& name) {
    for (const auto& [own, part] : module.children())
      if (own == name) return *part;
    fail("[onnx] expected a part {} of {}", name, module.description());
  }

  std::string sequence(const Module& module, size_t first, std::string x) {
    for (size_t i = first; i < module.children().size(); ++i)
      x = add(*module.children()[i].module, x);
    return x;
  }

  std::string block(const Module& module, const std::string& x) {
    const std::string& path = module.path();
    const std::string inner =
        rectified(path, "relu1", normalized(child(module, "conv1"), child(module, "bn1"), x));
    const std::string outer = normalized(child(module, "conv2"), child(module, "bn2"), inner);
    const bool same = module.children().size() == 4;
    const std::string residual = same ? x : add(child(module, "downsample"), x);
    const std::string sum = path + ".sum";
    graph_.node("Add", sum, {outer, residual});
    return rectified(path, "relu2", sum);
  }

  std::string rectified(const std::string& path, const char* name, const std::string& x) {
    const std::string own = path.empty() ? name : path + "." + name;
    graph_.node("Relu", own, {x});
    return own;
  }

  std::string normalized(const Module& conv, const Module& norm, const std::string& x) {
    const auto& convolutional = dynamic_cast<const Conv2d&>(conv);
    const BatchNorm2d::Folded folded =
        dynamic_cast<const BatchNorm2d&>(norm).fold(convolutional.weight(), convolutional.bias());
    return convolution(convolutional, folded.weight, folded.bias, x);
  }

  std::string convolution(const Conv2d& conv, const Tensor& weight, const Tensor& bias,
                          const std::string& x) {
    const std::string& path = conv.path();
    std::vector<std::string> inputs = {x, graph_.constant(path + ".weight", weight)};
    if (bias.defined()) inputs.push_back(graph_.constant(path + ".bias", bias));
    onnx::NodeProto& node = graph_.node("Conv", path, inputs);
    const Conv2dOptions& o = conv.options();
    set(node, "kernel_shape", Ints{weight.size(2), weight.size(3)});
    set(node, "strides", Ints{o.stride_h, o.stride_w});
    set(node, "pads", Ints{o.pad_h, o.pad_w, o.pad_h, o.pad_w});
    set(node, "dilations", Ints{o.dilation_h, o.dilation_w});
    set(node, "group", o.groups);
    return path;
  }

  std::string dense(const Linear& linear, const std::string& x) {
    const std::string& path = linear.path();
    std::vector<std::string> inputs = {x, graph_.constant(path + ".weight", linear.weight())};
    if (linear.bias().defined()) inputs.push_back(graph_.constant(path + ".bias", linear.bias()));
    set(graph_.node("Gemm", path, inputs), "transB", 1);
    return path;
  }

  std::string function(Activation::Kind kind, const std::string& path, const std::string& x) {
    using Kind = Activation::Kind;
    graph_.node(kind == Kind::relu ? "Relu" : kind == Kind::tanh ? "Tanh" : "Sigmoid", path, {x});
    return path;
  }

  std::string pooling(const char* type, const Pool2dOptions& o, const std::string& path,
                      const std::string& x) {
    const bool average = std::string_view(type) == "AveragePool";
    // Its operator set has no dilation of averages, and its readers differ where they are rounded
    // up.
    check(!average || (o.dilation_h == 1 && o.dilation_w == 1 && !o.ceil_mode),
          "[onnx] expected averages without dilation or ceil_mode, got those of {}", path);
    onnx::NodeProto& node = graph_.node(type, path, {x});
    set(node, "kernel_shape", Ints{o.kernel_h, o.kernel_w});
    set(node, "strides", Ints{o.stride_h, o.stride_w});
    set(node, "pads", Ints{o.pad_h, o.pad_w, o.pad_h, o.pad_w});
    if (average) {
      set(node, "count_include_pad", int64_t(o.count_include_pad));
    } else {
      set(node, "dilations", Ints{o.dilation_h, o.dilation_w});
      set(node, "ceil_mode", int64_t(o.ceil_mode));
    }
    return path;
  }

  std::string padding(const Pad2d::Options& o, const std::string& path, const std::string& x) {
    const Ints sides{0, 0, o.top, o.left, 0, 0, o.bottom, o.right};
    graph_.node("Pad", path,
                {x, graph_.constant(path + ".sides", Tensor::from(sides, {std::ssize(sides)})),
                 graph_.constant(path + ".value", Tensor::scalar(o.value))});
    return path;
  }

  std::string flat(const std::string& name, const std::string& x) {
    set(graph_.node("Flatten", name, {x}), "axis", 1);
    return name;
  }

  Graph& graph_;
};

void check_single(const Module& module) {
  for (const Module::Child& child : module.children()) check_single(*child.module);
  check(module.replicas() == 0 || !module.children().empty(),
        "[onnx] expected layers of one network, got {} replicas of {} ({})", module.replicas(),
        module.description(), module.path());
}

std::string normalize_pixels(Graph& graph, const Normalize& normalize, const std::string& x) {
  const Shape shape{1, std::ssize(normalize.mean), 1, 1};
  const std::string mean = graph.constant("pixels.mean", Tensor::from(normalize.mean, shape));
  const std::string deviation =
      graph.constant("pixels.deviation", Tensor::from(normalize.deviation, shape));
  graph.node("Sub", "pixels.centered", {x, mean});
  graph.node("Div", "pixels.normalized", {"pixels.centered", deviation});
  return "pixels.normalized";
}

void describe(onnx::ValueInfoProto& value, const std::string& name, const Shape& shape) {
  value.set_name(name);
  onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(float32);
  type.mutable_shape()->add_dim()->set_dim_param("N");
  for (const int64_t extent : shape) type.mutable_shape()->add_dim()->set_dim_value(extent);
}

}  // namespace

std::string to_onnx(const Module& model, const OnnxOptions& options) {
  check_single(model);
  onnx::ModelProto proto;
  proto.set_ir_version(ir_version);
  proto.set_producer_name("Hebb");
  proto.set_producer_version(std::string(version()));
  proto.add_opset_import()->set_version(operator_set);
  for (const auto& [key, value] : options.metadata) {
    onnx::StringStringEntryProto& entry = *proto.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  onnx::GraphProto& graph_proto = *proto.mutable_graph();
  graph_proto.set_name("model");
  const Tensor logits = model(
      Tensor::zeros(options.input.inserted(0, 1), model.parameters().front().tensor.options()));
  describe(*graph_proto.add_input(), "images", options.input);
  describe(*graph_proto.add_output(), "logits", logits.shape().without(0));

  Graph graph(graph_proto);
  std::string x = "images";
  if (options.normalize) x = normalize_pixels(graph, *options.normalize, x);
  graph.node("Identity", "logits", {Exporter(graph).add(model, x)});
  return proto.SerializeAsString();
}

}  // namespace hebb::apps
