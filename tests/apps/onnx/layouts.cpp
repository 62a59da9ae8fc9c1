#include <algorithm>
#include <numeric>

#include "tests/apps/onnx/operators.hpp"

/// Operators that move data about.
namespace hebb::test {
namespace {

using Results = std::vector<Tensor>;
using Integers = std::vector<int64_t>;

Shape shape_of(const Integers& extents) { return Shape(std::span<const int64_t>(extents)); }
Tensor reshaped(const Tensor& x, const Integers& extents) { return x.reshape(shape_of(extents)); }
Integers extents_of(const Tensor& x) { return {x.shape().begin(), x.shape().end()}; }
int axis_of(const Call& call, int64_t otherwise) {
  return call[0].shape().axis(int(call.attributes.integer("axis", otherwise)), "axis");
}

Results identity(const Call& call) { return {call[0]}; }
Results constant(const Call& call) {
  const onnx::TensorProto* value = call.attributes.tensor("value");
  if (value) return {read(*value)};
  if (call.attributes.has("value_int"))
    return {Tensor::full({}, double(call.attributes.integer("value_int", 0)), {DType::int64})};
  if (call.attributes.has("value_float"))
    return {Tensor::full({}, call.attributes.number("value_float", 0))};
  if (!call.attributes.has("value_ints")) throw NotExpressible("a constant of another kind");
  const Integers values = call.attributes.integers("value_ints", {});
  return {Tensor::from(values, {int64_t(values.size())})};
}
Results constant_of_shape(const Call& call) {
  const onnx::TensorProto* value = call.attributes.tensor("value");
  const Tensor x = value ? read(*value) : Tensor::zeros({1});
  return {Tensor::full(shape_of(call.integers(0)), x.item(), x.options())};
}
Results shape(const Call& call) {
  const int rank = call[0].rank();
  const auto at = [&](const char* name, int64_t otherwise) {
    const int64_t axis = call.attributes.integer(name, otherwise);
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const Integers all = extents_of(call[0]);
  const int64_t begin = at("start", 0), end = std::max(begin, at("end", rank));
  const Integers part(all.begin() + begin, all.begin() + end);
  return {Tensor::from(part, {int64_t(part.size())})};
}
Results size(const Call& call) {
  return {Tensor::full({}, double(call[0].numel()), {DType::int64})};
}
Results cast(const Call& call) {
  const std::map<int64_t, DType> types{
      {1, DType::float32}, {7, DType::int64}, {11, DType::float64}};
  const auto type = types.find(call.attributes.integer("to", 0));
  if (type == types.end()) throw NotExpressible("a cast to another type");
  return {call[0].to(type->second)};
}

Results transposed(const Call& call) {
  Integers axes = call.attributes.integers("perm", {});
  if (axes.empty()) {
    axes.resize(size_t(call[0].rank()));
    std::iota(axes.rbegin(), axes.rend(), 0);
  }
  return {permute(call[0], std::vector<int>(axes.begin(), axes.end()))};
}
Results reshape(const Call& call) {
  Integers extents = call.integers(1);
  int64_t known = 1;
  for (size_t i = 0; i < extents.size(); ++i) {
    if (extents[i] == 0 && !call.attributes.integer("allowzero", 0))
      extents[i] = call[0].size(int(i));
    if (extents[i] >= 0) known *= extents[i];
  }
  for (int64_t& extent : extents)
    if (extent < 0) extent = call[0].numel() / known;
  return {reshaped(call[0], extents)};
}
Results flatten(const Call& call) {
  const int rank = call[0].rank();
  int axis = int(call.attributes.integer("axis", 1));
  axis = axis < 0 ? axis + rank : axis;
  return {call[0].reshape(
      Shape{call[0].shape().product(0, axis), call[0].shape().product(axis, rank)})};
}
Results squeeze(const Call& call) {
  Shape y = call[0].shape();
  Integers axes = call.axes();
  for (int64_t& axis : axes) axis = y.axis(int(axis), "squeeze");
  if (axes.empty())
    for (int axis = 0; axis < y.rank(); ++axis)
      if (y[axis] == 1) axes.push_back(axis);
  std::sort(axes.rbegin(), axes.rend());
  for (const int64_t axis : axes) y = y.without(int(axis));
  return {call[0].reshape(y)};
}
Results unsqueeze(const Call& call) {
  Integers axes = call.axes();
  const int rank = call[0].rank() + int(axes.size());
  for (int64_t& axis : axes) axis = axis < 0 ? axis + rank : axis;
  std::sort(axes.begin(), axes.end());
  Shape y = call[0].shape();
  for (const int64_t axis : axes) y = y.inserted(int(axis), 1);
  return {call[0].reshape(y)};
}
Results expand(const Call& call) {
  return {call[0] * Tensor::ones(shape_of(call.integers(1)), call[0].options())};
}
Results concatenated(const Call& call) { return {concat(call.inputs, axis_of(call, 0))}; }
Results split(const Call& call) {
  const int axis = axis_of(call, 0);
  const auto parts = int64_t(call.outputs);
  const Integers lengths =
      call[1].defined() ? call.integers(1) : Integers(call.outputs, call[0].size(axis) / parts);
  Results results;
  int64_t begin = 0;
  for (const int64_t length : lengths) {
    results.push_back(narrow(call[0], axis, begin, length));
    begin += length;
  }
  return results;
}
Results tile(const Call& call) {
  Tensor y = call[0];
  const Integers repeats = call.integers(1);
  for (size_t axis = 0; axis < repeats.size(); ++axis)
    y = concat(std::vector<Tensor>(size_t(repeats[axis]), y), int(axis));
  return {y};
}
Results padded(const Call& call) {
  if (call.attributes.text("mode", "constant") != "constant")
    throw NotExpressible("padding that is not constant");
  const Integers pads = call.integers(1);
  const size_t rank = pads.size() / 2;
  Integers padding;
  for (size_t axis = rank; axis-- > 0;)
    padding.insert(padding.end(), {pads[axis], pads[rank + axis]});
  return {pad(call[0], padding, call[2].defined() ? call[2].item() : 0)};
}

// Any steps: by indices.
Results slice(const Call& call) {
  Tensor y = call[0];
  const Integers starts = call.integers(1), ends = call.integers(2);
  Integers axes(starts.size()), steps(starts.size(), 1);
  std::iota(axes.begin(), axes.end(), 0);
  if (call[3].defined()) axes = call.integers(3);
  if (call[4].defined()) steps = call.integers(4);
  for (size_t i = 0; i < starts.size(); ++i) {
    const int axis = y.shape().axis(int(axes[i]), "slice");
    const int64_t n = y.size(axis), step = steps[i];
    const auto within = [&](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? at + n : at, step < 0 ? -1 : 0, step < 0 ? n - 1 : n);
    };
    Integers indices;
    const int64_t begin = within(starts[i]);
    const int64_t end = ends[i] < -n ? (step < 0 ? -1 : 0) : within(ends[i]);
    for (int64_t at = begin; step > 0 ? at < end : at > end; at += step) indices.push_back(at);
    y = index_select(y, axis, Tensor::from(indices, {int64_t(indices.size())}));
  }
  return {y};
}
Results gathered(const Call& call) {
  const int axis = axis_of(call, 0);
  const Tensor indices = call[1].to(DType::int64);
  const Tensor y = index_select(call[0], axis, indices.reshape({indices.numel()}));
  Integers extents = extents_of(call[0]);
  extents.erase(extents.begin() + axis);
  extents.insert(extents.begin() + axis, indices.shape().begin(), indices.shape().end());
  return {reshaped(y, extents)};
}
Results gathered_elements(const Call& call) {
  return {gather(call[0], axis_of(call, 0), call[1].to(DType::int64))};
}

Results depth_to_space(const Call& call) {
  const Tensor& x = call[0];
  const int64_t b = call.attributes.integer("blocksize", 1), c = x.size(1) / (b * b);
  const bool depth_first = call.attributes.text("mode", "DCR") == "DCR";
  const Tensor y =
      depth_first
          ? permute(x.reshape({x.size(0), b, b, c, x.size(2), x.size(3)}), {0, 3, 4, 1, 5, 2})
          : permute(x.reshape({x.size(0), c, b, b, x.size(2), x.size(3)}), {0, 1, 4, 2, 5, 3});
  return {y.reshape({x.size(0), c, x.size(2) * b, x.size(3) * b})};
}
Results space_to_depth(const Call& call) {
  const Tensor& x = call[0];
  const int64_t b = call.attributes.integer("blocksize", 1), h = x.size(2) / b, w = x.size(3) / b;
  return {permute(x.reshape({x.size(0), x.size(1), h, b, w, b}), {0, 3, 5, 1, 2, 4})
              .reshape({x.size(0), x.size(1) * b * b, h, w})};
}

}  // namespace

std::map<std::string, Function> layouts() {
  return {{"Cast", cast},
          {"Concat", concatenated},
          {"Constant", constant},
          {"ConstantOfShape", constant_of_shape},
          {"DepthToSpace", depth_to_space},
          {"Expand", expand},
          {"Flatten", flatten},
          {"Gather", gathered},
          {"GatherElements", gathered_elements},
          {"Identity", identity},
          {"Pad", padded},
          {"Reshape", reshape},
          {"Shape", shape},
          {"Size", size},
          {"Slice", slice},
          {"SpaceToDepth", space_to_depth},
          {"Split", split},
          {"Squeeze", squeeze},
          {"Tile", tile},
          {"Transpose", transposed},
          {"Unsqueeze", unsqueeze}};
}

}  // namespace hebb::test
