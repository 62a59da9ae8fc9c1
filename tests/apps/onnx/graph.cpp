#include "tests/apps/onnx/graph.hpp"

#include <cstring>
#include <fstream>

namespace hebb::test {
namespace {

// The numbers of TensorProto.DataType.
enum Type { float32 = 1, uint8 = 2, int32 = 6, int64 = 7, boolean = 9, float64 = 11 };

template <class T, class From>
Tensor tensor_of(const onnx::TensorProto& proto, const Shape& shape, const From& values) {
  std::vector<T> elements(size_t(shape.numel()));
  if (!proto.raw_data().empty() && proto.raw_data().size() == elements.size() * sizeof(T))
    std::memcpy(elements.data(), proto.raw_data().data(), proto.raw_data().size());
  else if (size_t(values.size()) == elements.size())
    elements.assign(values.begin(), values.end());
  else
    throw std::runtime_error("expected as many elements as the shape has");
  return Tensor::from(elements, shape);
}

template <class Message>
Message parse(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  Message message;
  if (!message.ParseFromIstream(&file))
    throw std::runtime_error("expected a message in " + path.string());
  return message;
}

}  // namespace

const onnx::AttributeProto* Attributes::find(const char* name) const {
  for (const onnx::AttributeProto& attribute : node_.attribute())
    if (attribute.name() == name) return &attribute;
  return nullptr;
}
int64_t Attributes::integer(const char* name, int64_t otherwise) const {
  const onnx::AttributeProto* attribute = find(name);
  return attribute ? attribute->i() : otherwise;
}
double Attributes::number(const char* name, double otherwise) const {
  const onnx::AttributeProto* attribute = find(name);
  return attribute ? double(attribute->f()) : otherwise;
}
std::string Attributes::text(const char* name, const std::string& otherwise) const {
  const onnx::AttributeProto* attribute = find(name);
  return attribute ? attribute->s() : otherwise;
}
std::vector<int64_t> Attributes::integers(const char* name,
                                          const std::vector<int64_t>& otherwise) const {
  const onnx::AttributeProto* attribute = find(name);
  if (!attribute) return otherwise;
  return {attribute->ints().begin(), attribute->ints().end()};
}
const onnx::TensorProto* Attributes::tensor(const char* name) const {
  const onnx::AttributeProto* attribute = find(name);
  return attribute && attribute->has_t() ? &attribute->t() : nullptr;
}

std::vector<int64_t> Call::integers(size_t i) const {
  return inputs.at(i).to(DType::int64).to_vector<int64_t>();
}

std::vector<int64_t> Call::axes() const {
  return (*this)[1].defined() ? integers(1) : attributes.integers("axes", {});
}

Tensor read(const onnx::TensorProto& proto) {
  const std::vector<int64_t> extents(proto.dims().begin(), proto.dims().end());
  if (int(extents.size()) > Shape::max_rank) throw NotExpressible("more axes than a shape has");
  const Shape shape{std::span<const int64_t>(extents)};
  switch (proto.data_type()) {
    case float32:
      return tensor_of<float>(proto, shape, proto.float_data());
    case float64:
      return tensor_of<double>(proto, shape, proto.double_data());
    case int64:
      return tensor_of<int64_t>(proto, shape, proto.int64_data());
    case int32:
      return tensor_of<int32_t>(proto, shape, proto.int32_data());
    case boolean:
    case uint8:
      return tensor_of<uint8_t>(proto, shape, proto.int32_data());
    default:
      throw NotExpressible("element type " + std::to_string(proto.data_type()));
  }
}

Tensor read_tensor(const std::filesystem::path& path) {
  return read(parse<onnx::TensorProto>(path));
}

onnx::ModelProto read_model(const std::filesystem::path& path) {
  return parse<onnx::ModelProto>(path);
}

std::vector<Tensor> run(const onnx::ModelProto& model, const std::vector<Tensor>& inputs) {
  const onnx::GraphProto& graph = model.graph();
  std::map<std::string, Tensor> values{{"", Tensor()}};
  for (const onnx::TensorProto& constant : graph.initializer())
    values[constant.name()] = read(constant);
  for (size_t i = 0; i < inputs.size(); ++i) values[graph.input(int(i)).name()] = inputs[i];
  for (const onnx::NodeProto& node : graph.node()) {
    const auto found = operators().find(node.op_type());
    if (found == operators().end() || !node.domain().empty()) throw NotExpressible(node.op_type());
    const Attributes attributes(node);
    Call call{attributes, {}, size_t(node.output_size())};
    for (const std::string& name : node.input()) call.inputs.push_back(values.at(name));
    const std::vector<Tensor> outputs = found->second(call);
    if (outputs.size() < call.outputs)
      throw NotExpressible("output " + std::to_string(outputs.size()) + " of " + node.op_type());
    for (size_t i = 0; i < call.outputs; ++i) values[node.output(int(i))] = outputs[i];
  }
  std::vector<Tensor> outputs;
  for (const onnx::ValueInfoProto& output : graph.output())
    outputs.push_back(values.at(output.name()));
  return outputs;
}

}  // namespace hebb::test
