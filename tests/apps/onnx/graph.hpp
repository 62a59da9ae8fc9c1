#pragma once

#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "apps/onnx/onnx.pb.h"
#include "core/core.hpp"

/// ONNX's graphs, computed with Hebb's operations: for ONNX's own tests of its operators.
namespace hebb::test {

/// What Hebb's operations cannot say, and why.
struct NotExpressible : std::runtime_error {
  using runtime_error::runtime_error;
};

/// A node's attributes, with defaults for those that it lacks.
class Attributes {
 public:
  explicit Attributes(const onnx::NodeProto& node) : node_(node) {}
  int64_t integer(const char* name, int64_t otherwise) const;
  double number(const char* name, double otherwise) const;
  std::string text(const char* name, const std::string& otherwise) const;
  /// As many as there are; `otherwise` where there is no such attribute.
  std::vector<int64_t> integers(const char* name, const std::vector<int64_t>& otherwise) const;
  const onnx::TensorProto* tensor(const char* name) const;
  bool has(const char* name) const { return find(name) != nullptr; }

 private:
  const onnx::AttributeProto* find(const char* name) const;
  const onnx::NodeProto& node_;
};

struct Call {
  const Attributes& attributes;
  std::vector<Tensor> inputs;  // those left out are undefined
  size_t outputs;              // how many are asked for

  /// Undefined where there are fewer.
  Tensor operator[](size_t i) const { return i < inputs.size() ? inputs[i] : Tensor(); }
  std::vector<int64_t> integers(size_t i) const;  ///< An input's elements.
  /// The axes: the second input or, in earlier operator sets, an attribute.
  std::vector<int64_t> axes() const;
};
using Function = std::vector<Tensor> (*)(const Call& call);

/// Operators by their names in ONNX.
const std::map<std::string, Function>& operators();

Tensor read(const onnx::TensorProto& tensor);
Tensor read_tensor(const std::filesystem::path& path);
onnx::ModelProto read_model(const std::filesystem::path& path);
/// The model's outputs for its inputs.
std::vector<Tensor> run(const onnx::ModelProto& model, const std::vector<Tensor>& inputs);

}  // namespace hebb::test
