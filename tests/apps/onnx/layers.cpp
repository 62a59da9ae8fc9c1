#include <algorithm>
#include <cmath>

#include "tests/apps/onnx/operators.hpp"

/// Convolution, pooling, normalisation and losses.
namespace hebb::test {
namespace {

using Results = std::vector<Tensor>;
using Integers = std::vector<int64_t>;

/// What windows of convolutions and pooling have in common.
struct Windows {
  Integers kernel, strides, dilations;
  Integers padding;  // left, right, top, bottom

  /// Whether pooling takes the padding as it is.
  bool plain() const {
    return padding[0] == padding[1] && padding[2] == padding[3] && padding[0] <= kernel[1] / 2 &&
           padding[2] <= kernel[0] / 2;
  }
};
Windows windows_of(const Call& call, const Integers& kernel_of_weight) {
  const Attributes& a = call.attributes;
  Windows w{a.integers("kernel_shape", kernel_of_weight), {}, {}, {}};
  if (w.kernel.size() != 2) throw NotExpressible("windows of other than two axes");
  w.strides = a.integers("strides", {1, 1});
  w.dilations = a.integers("dilations", {1, 1});
  const std::string automatic = a.text("auto_pad", "NOTSET");
  const Integers pads = a.integers("pads", {0, 0, 0, 0});
  w.padding = {pads[1], pads[3], pads[0], pads[2]};
  if (automatic.starts_with("SAME"))
    for (size_t axis = 0; axis < 2; ++axis) {
      const int64_t n = call[0].size(2 + int(axis)), step = w.strides[axis];
      const int64_t span = w.dilations[axis] * (w.kernel[axis] - 1) + 1;
      const int64_t all = std::max<int64_t>(0, ((n + step - 1) / step - 1) * step + span - n);
      const int64_t less = all / 2, more = all - less;
      const bool upper = automatic == "SAME_UPPER";
      w.padding[2 * (1 - axis)] = upper ? less : more;
      w.padding[2 * (1 - axis) + 1] = upper ? more : less;
    }
  return w;
}

Results convolution(const Call& call) {
  const Tensor& weight = call[1];
  const Windows w = windows_of(call, Integers(weight.shape().begin() + 2, weight.shape().end()));
  return {conv2d(pad(call[0], w.padding), weight, call[2],
                 {.stride_h = w.strides[0],
                  .stride_w = w.strides[1],
                  .dilation_h = w.dilations[0],
                  .dilation_w = w.dilations[1],
                  .groups = call.attributes.integer("group", 1)})};
}

Pool2dOptions options_of(const Call& call, const Windows& w, bool padded) {
  return {.kernel_h = w.kernel[0],
          .kernel_w = w.kernel[1],
          .stride_h = w.strides[0],
          .stride_w = w.strides[1],
          .pad_h = padded ? w.padding[2] : 0,
          .pad_w = padded ? w.padding[0] : 0,
          .dilation_h = w.dilations[0],
          .dilation_w = w.dilations[1],
          .ceil_mode = call.attributes.integer("ceil_mode", 0) != 0,
          .count_include_pad = call.attributes.integer("count_include_pad", 0) != 0};
}

// ONNX counts positions over all planes.
Results max_pooling(const Call& call) {
  const Windows w = windows_of(call, {});
  const bool plain = w.plain();
  if (call.outputs > 1 && (!plain || call.attributes.integer("storage_order", 0)))
    throw NotExpressible("positions in another order");
  const Tensor x = plain ? call[0] : pad(call[0], w.padding, -HUGE_VAL);
  const auto [values, indices] = max_pool2d_with_indices(x, options_of(call, w, plain));
  std::vector<int64_t> places = indices.to_vector<int64_t>();
  const size_t plane = size_t(indices.size(2) * indices.size(3));
  for (size_t i = 0; i < places.size(); ++i)
    places[i] += int64_t(i / plane) * x.size(2) * x.size(3);
  return {values, Tensor::from(places, indices.shape())};
}

// Where the padding is not plain and does not count, by the mean of ones beside that of x.
Results average_pooling(const Call& call) {
  const Windows w = windows_of(call, {});
  Pool2dOptions options = options_of(call, w, w.plain());
  if (w.plain()) return {avg_pool2d(call[0], options)};
  const Tensor mean = avg_pool2d(pad(call[0], w.padding), options);
  if (options.count_include_pad) return {mean};
  const Tensor ones = Tensor::ones(call[0].shape(), call[0].options());
  return {mean / avg_pool2d(pad(ones, w.padding), options)};
}

Results global_average(const Call& call) { return {mean(call[0], {2, 3}, {.keep_axes = true})}; }
Results global_max(const Call& call) { return {max(call[0], {2, 3}, {.keep_axes = true})}; }

// Training gives the running statistics, which move by another rule than Hebb's.
Results batch_normalization(const Call& call) {
  if (call.attributes.integer("training_mode", 0)) throw NotExpressible("ONNX's running variance");
  return {batch_norm2d(call[0], call[1], call[2], call[3], call[4],
                       {.epsilon = call.attributes.number("epsilon", 1e-5), .training = false})};
}

struct Normalized {
  Tensor y, mean, inverse;
};
Normalized normalized(const Tensor& x, const std::vector<int>& axes, double epsilon) {
  const Tensor center = mean(x, axes, {.keep_axes = true});
  const Tensor variance = mean(square(x - center), axes, {.keep_axes = true});
  const Tensor inverse = pow(variance + epsilon, -0.5);
  return {(x - center) * inverse, center, inverse};
}
Results layer_normalization(const Call& call) {
  std::vector<int> axes;
  const int first = call[0].shape().axis(int(call.attributes.integer("axis", -1)), "axis");
  for (int axis = first; axis < call[0].rank(); ++axis) axes.push_back(axis);
  const auto [y, center, inverse] =
      normalized(call[0], axes, call.attributes.number("epsilon", 1e-5));
  const Tensor scaled = y * call[1];
  return {call[2].defined() ? scaled + call[2] : scaled, center, inverse};
}
Results instance_normalization(const Call& call) {
  const auto channels = [](const Tensor& x) { return x.reshape({x.numel(), 1, 1}); };
  const Tensor y = normalized(call[0], {2, 3}, call.attributes.number("epsilon", 1e-5)).y;
  return {y * channels(call[1]) + channels(call[2])};
}
Results mean_variance_normalization(const Call& call) {
  const Integers axes = call.attributes.integers("axes", {0, 2, 3});
  return {normalized(call[0], {axes.begin(), axes.end()}, 1e-18).y};
}

// Outside training.
Results dropped_out(const Call& call) {
  if (call[2].defined() && call[2].item() != 0 && !(call[1].defined() && call[1].item() == 0))
    throw NotExpressible("random numbers of another generator");
  return {call[0], Tensor::ones(call[0].shape())};
}

CrossEntropyOptions loss_options(const Call& call) {
  const std::map<std::string, Reduction> reductions{
      {"mean", Reduction::mean}, {"sum", Reduction::sum}, {"none", Reduction::none}};
  CrossEntropyOptions options{
      .weight = call[2], .reduction = reductions.at(call.attributes.text("reduction", "mean"))};
  if (call.attributes.has("ignore_index"))
    options.ignore_index = call.attributes.integer("ignore_index", 0);
  return options;
}
Results softmax_cross_entropy(const Call& call) {
  return {cross_entropy(call[0], call[1].to(DType::int64), loss_options(call)),
          log_softmax(call[0], 1)};
}
// Of numbers that need not be logarithms of a distribution: by their elements.
Results negative_log_likelihood(const Call& call) {
  const CrossEntropyOptions options = loss_options(call);
  const Tensor& x = call[0];
  const Tensor numbers = call[1].to(DType::float64);
  const Tensor ignored =
      Tensor::full({}, double(options.ignore_index.value_or(-1)), {DType::float64});
  const Tensor counts = not_equal(numbers, ignored);
  const Tensor labels = (numbers * counts).to(DType::int64);
  const Shape column = x.shape().with(1, 1);
  Tensor weight = counts.to(x.dtype());
  if (options.weight.defined())
    weight = weight *
             gather_rows(options.weight, labels.reshape({labels.numel()})).reshape(labels.shape());
  const Tensor losses = -gather(x, 1, labels.reshape(column)).reshape(labels.shape()) * weight;
  if (options.reduction == Reduction::none) return {losses};
  return {options.reduction == Reduction::sum ? sum(losses) : sum(losses) / sum(weight)};
}

}  // namespace

std::map<std::string, Function> layers() {
  return {{"AveragePool", average_pooling},
          {"BatchNormalization", batch_normalization},
          {"Conv", convolution},
          {"Dropout", dropped_out},
          {"GlobalAveragePool", global_average},
          {"GlobalMaxPool", global_max},
          {"InstanceNormalization", instance_normalization},
          {"LayerNormalization", layer_normalization},
          {"MaxPool", max_pooling},
          {"MeanVarianceNormalization", mean_variance_normalization},
          {"NegativeLogLikelihoodLoss", negative_log_likelihood},
          {"SoftmaxCrossEntropyLoss", softmax_cross_entropy}};
}

}  // namespace hebb::test
