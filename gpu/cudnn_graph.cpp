#include "gpu/cudnn_graph.hpp"

#include <algorithm>
#include <vector>

#include "gpu/status.hpp"

namespace hebb::cuda {
namespace {

void require(cudnnStatus_t status, const char* call) {
  if (status != CUDNN_STATUS_SUCCESS) fail_cudnn(status, call);
}

cudnnDataType_t type_of(DType dtype) {
  if (dtype == DType::bfloat16) return CUDNN_DATA_BFLOAT16;
  return dtype == DType::float64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
}

/// [a, b, c, d], row-major or, for bfloat16, with b's elements side by side.
Descriptor make_tensor(TensorId id, DType dtype, std::array<int64_t, 4> extents,
                       int64_t alignment) {
  const auto [a, b, c, d] = extents;
  std::array<int64_t, 4> strides{b * c * d, c * d, d, 1};
  if (dtype == DType::bfloat16) strides = {b * c * d, 1, d * b, b};
  Descriptor tensor(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  tensor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type_of(dtype));
  tensor.set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, 4, extents.data());
  tensor.set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, 4, strides.data());
  tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, int64_t(id));
  tensor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, alignment);
  tensor.finalize();
  return tensor;
}

Descriptor make_convolution(const PlanKey& key) {
  const ConvGeometry& g = key.geometry;
  const int64_t dilations[] = {g.dilation_h, g.dilation_w}, strides[] = {g.stride_h, g.stride_w},
                paddings[] = {g.pad_h, g.pad_w};
  Descriptor convolution(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  convolution.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE,
                  key.dtype == DType::float64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT);
  convolution.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE,
                  CUDNN_CROSS_CORRELATION);
  convolution.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, int64_t(2));
  convolution.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, 2, dilations);
  convolution.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, 2, strides);
  convolution.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, 2, paddings);
  convolution.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, 2, paddings);
  convolution.finalize();
  return convolution;
}

/// How a direction's operation and its attributes are called.
struct Names {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t convolution, x, weight, y, alpha, beta;
};

Names names_of(ConvDirection direction) {
  switch (direction) {
    case ConvDirection::forward:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case ConvDirection::backward_input:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    default:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
  }
}

/// None where cuDNN refuses the operation itself.
std::optional<Descriptor> make_graph(const Target& target, const PlanKey& key) {
  const ConvGeometry& g = key.geometry;
  const Names names = names_of(key.direction);
  const Descriptor convolution = make_convolution(key);
  const Descriptor x =
      make_tensor(id_x, key.dtype, {g.batch, g.channels, g.height, g.width}, key.alignment_x);
  const Descriptor weight = make_tensor(
      id_weight, key.dtype, {g.filters, g.channels, g.kernel_h, g.kernel_w}, key.alignment_weight);
  const Descriptor y =
      make_tensor(id_y, key.dtype, {g.batch, g.filters, g.out_h, g.out_w}, key.alignment_y);
  Descriptor operation(names.operation);
  operation.set(names.convolution, convolution);
  operation.set(names.x, x);
  operation.set(names.weight, weight);
  operation.set(names.y, y);
  if (key.dtype == DType::float64) {
    operation.set(names.alpha, CUDNN_TYPE_DOUBLE, 1.0);
    operation.set(names.beta, CUDNN_TYPE_DOUBLE, 0.0);
  } else {
    operation.set(names.alpha, CUDNN_TYPE_FLOAT, 1.0f);
    operation.set(names.beta, CUDNN_TYPE_FLOAT, 0.0f);
  }
  if (!operation.try_finalize()) return std::nullopt;
  Descriptor graph(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation);
  if (target.handle) graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, CUDNN_TYPE_HANDLE, target.handle);
  if (!graph.try_finalize()) return std::nullopt;
  return graph;
}

template <class Note>
std::vector<Note> notes_of(const Descriptor& engine, cudnnBackendAttributeName_t name,
                           cudnnBackendAttributeType_t type) {
  std::vector<Note> notes(32);
  const int64_t count = engine.get(name, type, int64_t(notes.size()), notes.data());
  notes.resize(size_t(std::min<int64_t>(count, std::ssize(notes))));
  return notes;
}
std::vector<cudnnBackendNumericalNote_t> numerical_notes(const Descriptor& engine) {
  return notes_of<cudnnBackendNumericalNote_t>(engine, CUDNN_ATTR_ENGINE_NUMERICAL_NOTE,
                                               CUDNN_TYPE_NUMERICAL_NOTE);
}

template <class Note>
bool has_any(const std::vector<Note>& notes, std::initializer_list<Note> unwanted) {
  return std::ranges::find_first_of(notes, unwanted) != notes.end();
}

/// Whether an engine's sums are in a fixed order, for bfloat16 in float32 and, for float32, of
/// products of float32, or on tensor cores of TF32. Those that are compiled at run time are left
/// out too: others are there from the start.
bool wanted(const Descriptor& engine, const PlanKey& key) {
  const std::vector notes = numerical_notes(engine);
  if (has_any(notes, {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC})) return false;
  if (key.dtype != DType::float64 &&
      has_any(notes, {CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS,
                      CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION}))
    return false;
  if (key.dtype == DType::float32 && key.precision == Precision::fp32 &&
      has_any(notes, {CUDNN_NUMERICAL_NOTE_TENSOR_CORE}))
    return false;
  if (key.policy == ConvPolicy::exact &&
      has_any(notes, {CUDNN_NUMERICAL_NOTE_WINOGRAD, CUDNN_NUMERICAL_NOTE_FFT}))
    return false;
  return !has_any(notes_of<cudnnBackendBehaviorNote_t>(engine, CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE,
                                                       CUDNN_TYPE_BEHAVIOR_NOTE),
                  {CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION});
}

/// Engines with their settings, the fastest first as cuDNN thinks.
std::vector<Descriptor> configurations(const Target& target, const Descriptor& graph,
                                       cudnnBackendHeurMode_t mode) {
  Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
  if (!target.handle) heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, *target.description);
  std::vector<Descriptor> found;
  if (!heuristics.try_finalize()) return found;
  const int64_t count =
      heuristics.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, nullptr);
  std::vector<cudnnBackendDescriptor_t> raw;
  for (int64_t i = 0; i < count; ++i)
    raw.push_back(found.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR).raw());
  const int64_t given = heuristics.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR,
                                       count, raw.data());
  while (int64_t(found.size()) > given) found.pop_back();
  return found;
}

constexpr int64_t most_workspace = int64_t(256) << 20;

}  // namespace

void fail_cudnn(cudnnStatus_t status, const char* call) {
  fail_status(Library::cudnn, status, cudnnGetErrorString(status), call);
}

Descriptor::Descriptor(cudnnBackendDescriptorType_t type) {
  require(cudnnBackendCreateDescriptor(type, &raw_), "cudnnBackendCreateDescriptor");
}

Descriptor::~Descriptor() {
  if (raw_) cudnnBackendDestroyDescriptor(raw_);
}

void Descriptor::set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                     int64_t count, const void* values) {
  require(cudnnBackendSetAttribute(raw_, name, type, count, values), "cudnnBackendSetAttribute");
}

int64_t Descriptor::get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type,
                        int64_t room, void* values) const {
  int64_t count = 0;
  require(cudnnBackendGetAttribute(raw_, name, type, room, &count, values),
          "cudnnBackendGetAttribute");
  return count;
}

void Descriptor::finalize() { require(cudnnBackendFinalize(raw_), "cudnnBackendFinalize"); }

bool Descriptor::try_finalize() { return cudnnBackendFinalize(raw_) == CUDNN_STATUS_SUCCESS; }

Descriptor describe_device(const std::string& json) {
  Descriptor description(CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR);
  description.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR,
                  int64_t(json.size()) + 1, json.c_str());
  description.finalize();
  return description;
}

PlanKey::Numbers PlanKey::numbers() const {
  const ConvGeometry& g = geometry;
  return {int64_t(direction),
          int64_t(dtype),
          int64_t(precision),
          int64_t(policy),
          g.batch,
          g.channels,
          g.height,
          g.width,
          g.filters,
          g.kernel_h,
          g.kernel_w,
          g.stride_h,
          g.stride_w,
          g.pad_h,
          g.pad_w,
          g.dilation_h,
          g.dilation_w,
          g.out_h,
          g.out_w,
          alignment_x,
          alignment_weight,
          alignment_y};
}

std::optional<Plan> find_plan(const Target& target, const PlanKey& key) {
  const std::optional<Descriptor> graph = make_graph(target, key);
  if (!graph) return std::nullopt;
  std::optional<Plan> other;  // for bfloat16, the first without tensor cores
  for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK})
    for (const Descriptor& configuration : configurations(target, *graph, mode)) {
      Descriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
      cudnnBackendDescriptor_t raw = engine.raw();
      configuration.get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
      if (!wanted(engine, key)) continue;
      Plan plan{Descriptor(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR), 0, 0, numerical_notes(engine)};
      plan.descriptor.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration);
      if (target.handle)
        plan.descriptor.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, CUDNN_TYPE_HANDLE, target.handle);
      else
        plan.descriptor.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, *target.description);
      if (!plan.descriptor.try_finalize()) continue;
      engine.get(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1, &plan.engine);
      plan.descriptor.get(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1,
                          &plan.workspace);
      if (plan.workspace > most_workspace) continue;
      if (key.dtype != DType::bfloat16 || has_any(plan.notes, {CUDNN_NUMERICAL_NOTE_TENSOR_CORE}))
        return plan;
      if (!other) other.emplace(std::move(plan));
    }
  return other;
}

}  // namespace hebb::cuda
