#include "core/profiled_backend.hpp"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <mutex>

#include "core/check.hpp"
#include "core/profile_events.hpp"

namespace hebb {
namespace {

std::string name_of(Unary op) {
  switch (op) {
    case Unary::neg:
      return "neg";
    case Unary::exp:
      return "exp";
    case Unary::log:
      return "log";
    case Unary::sqrt:
      return "sqrt";
    case Unary::tanh:
      return "tanh";
    case Unary::abs:
      return "abs";
    case Unary::relu:
      return "relu";
    case Unary::sigmoid:
      return "sigmoid";
    case Unary::square:
      return "square";
  }
  return "unary";
}

std::string name_of(Binary op) {
  switch (op) {
    case Binary::add:
      return "add";
    case Binary::sub:
      return "sub";
    case Binary::mul:
      return "mul";
    case Binary::div:
      return "div";
    case Binary::pow:
      return "pow";
    case Binary::maximum:
      return "maximum";
    case Binary::minimum:
      return "minimum";
    case Binary::less:
      return "less";
    case Binary::less_equal:
      return "less_equal";
    case Binary::equal:
      return "equal";
    case Binary::keep:
      return "keep";
  }
  return "binary";
}

std::string name_of(Reduce op) {
  switch (op) {
    case Reduce::sum:
      return "sum";
    case Reduce::mean:
      return "mean";
    case Reduce::sum_abs:
      return "sum_abs";
    case Reduce::sum_square:
      return "sum_square";
  }
  return "reduce";
}

// What is written of an operation's arguments: tensors, and the result's shape.
class Arguments {
 public:
  void add(const Tensor& x) {
    if (x.defined()) add_quoted(fmt::format("{} {}", name_of(x.dtype()), x.shape()));
  }
  void add(std::span<const Tensor> tensors) {
    for (const Tensor& x : tensors) add(x);
  }
  void add(std::span<const OptimizerSlot> slots) {
    for (const OptimizerSlot& slot : slots) add(slot.parameter);
  }
  void add(std::span<const Weighted> terms) {
    for (const Weighted& term : terms) add(term.value);
  }
  void add(const Shape& shape) { result_ = fmt::format(",\"result\":\"{}\"", shape); }
  template <class Other>
  void add(const Other&) {}

  std::string json() const { return fmt::format("{{\"inputs\":[{}]{}}}", inputs_, result_); }

 private:
  void add_quoted(const std::string& text) {
    inputs_ += fmt::format("{}\"{}\"", inputs_.empty() ? "" : ",", text);
  }

  std::string inputs_, result_;
};

class ProfiledBackend final : public Backend {
 private:
  template <class Method, class... Args>
  auto run(std::string name, Method method, const Args&... args) {
    Arguments arguments;
    (arguments.add(args), ...);
    const int64_t begin = detail::profile_time();
    const auto done = [&] {
      inner_.synchronize();  // or the time would be that of asking
      detail::note_event(std::move(name), arguments.json(), begin);
    };
    if constexpr (std::is_void_v<decltype((inner_.*method)(args...))>) {
      (inner_.*method)(args...);
      done();
    } else {
      auto result = (inner_.*method)(args...);
      done();
      return result;
    }
  }

 public:
  explicit ProfiledBackend(Backend& inner) : inner_(inner) {}

  std::string_view name() const override { return inner_.name(); }
  std::string details() const override { return inner_.details(); }
  Precision precision() const override { return inner_.precision(); }
  void set_precision(Precision precision) override { inner_.set_precision(precision); }
  bool has_bfloat16() const override { return inner_.has_bfloat16(); }
  void synchronize() override { run("synchronize", &Backend::synchronize); }
  std::function<void()> record(std::function<void()> step) override {
    return inner_.record(std::move(step));
  }
  MemoryStats memory_stats() const override { return inner_.memory_stats(); }
  void reset_peak_memory() override { inner_.reset_peak_memory(); }
  void release_cached_memory() override { inner_.release_cached_memory(); }
  void* allocate(size_t bytes) override { return inner_.allocate(bytes); }
  void release(void* memory, size_t bytes) noexcept override { inner_.release(memory, bytes); }
  void copy_from_host(const Tensor& destination, const void* source) override {
    return run("copy_from_host", &Backend::copy_from_host, destination, source);
  }
  void copy_to_host(void* destination, const Tensor& source) override {
    return run("copy_to_host", &Backend::copy_to_host, destination, source);
  }
  void copy(const Tensor& destination, const Tensor& source) override {
    return run("copy", &Backend::copy, destination, source);
  }
  void fill(const Tensor& x, double value) override {
    return run("fill", &Backend::fill, x, value);
  }
  Tensor with_layout(const Tensor& x, Layout layout) override {
    return run("with_layout", &Backend::with_layout, x, layout);
  }
  Tensor cast(const Tensor& x, DType dtype) override {
    return run("cast", &Backend::cast, x, dtype);
  }
  void advance(const Tensor& counts, int64_t by) override {
    return run("advance", &Backend::advance, counts, by);
  }
  void make_batch(const Tensor& images, const Tensor& labels, const Tensor& indices,
                  const Tensor& cursor, const ImageSteps& steps, RandomKey key,
                  const Tensor& to_images, const Tensor& to_labels) override {
    return run("make_batch", &Backend::make_batch, images, labels, indices, cursor, steps, key,
               to_images, to_labels);
  }
  void uniform(const Tensor& x, double lower, double upper, RandomKey key) override {
    return run("uniform", &Backend::uniform, x, lower, upper, key);
  }
  void normal(const Tensor& x, double mean, double stddev, RandomKey key) override {
    return run("normal", &Backend::normal, x, mean, stddev, key);
  }
  void truncated_normal(const Tensor& x, double stddev, double limit, RandomKey key) override {
    return run("truncated_normal", &Backend::truncated_normal, x, stddev, limit, key);
  }
  Tensor unary(Unary op, const Tensor& x) override {
    return run(name_of(op), &Backend::unary, op, x);
  }
  Tensor unary_backward(Unary op, const Tensor& dy, const Tensor& saved) override {
    return run(name_of(op) + " backward", &Backend::unary_backward, op, dy, saved);
  }
  Tensor binary(Binary op, const Tensor& a, const Tensor& b, const Shape& shape) override {
    return run(name_of(op), &Backend::binary, op, a, b, shape);
  }
  Tensor affine(const Tensor& x, double scale, double shift) override {
    return run("affine", &Backend::affine, x, scale, shift);
  }
  void add_scaled(const Tensor& y, const Tensor& x, double scale) override {
    return run("add_scaled", &Backend::add_scaled, y, x, scale);
  }
  Tensor scale_by(const Tensor& x, const Tensor& scalar) override {
    return run("scale_by", &Backend::scale_by, x, scalar);
  }
  Tensor dropout(const Tensor& x, std::span<const DropoutMask> masks) override {
    return run("dropout", &Backend::dropout, x, masks);
  }
  Tensor reduce(Reduce op, const Tensor& x, const Shape& shape, uint32_t axes) override {
    return run(name_of(op), &Backend::reduce, op, x, shape, axes);
  }
  Tensor reduce_backward(Reduce op, const Tensor& dy, const Tensor& x, uint32_t axes) override {
    return run(name_of(op) + " backward", &Backend::reduce_backward, op, dy, x, axes);
  }
  Tensor sum_to(const Tensor& x, const Shape& shape) override {
    return run("sum_to", &Backend::sum_to, x, shape);
  }
  WithIndices max(const Tensor& x, const Shape& shape, int axis, bool last) override {
    return run("max", &Backend::max, x, shape, axis, last);
  }
  Tensor max_backward(const Tensor& dy, const Tensor& indices, const Shape& shape,
                      int axis) override {
    return run("max backward", &Backend::max_backward, dy, indices, shape, axis);
  }
  Tensor count_equal(const Tensor& a, const Tensor& b) override {
    return run("count_equal", &Backend::count_equal, a, b);
  }
  void accumulate(const Tensor& sums, std::span<const Weighted> terms) override {
    return run("accumulate", &Backend::accumulate, sums, terms);
  }
  Tensor matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                const Shape& shape) override {
    return run("matmul", &Backend::matmul, a, transpose_a, b, transpose_b, shape);
  }
  Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Shape& shape,
                const LinearOptions& options) override {
    return run("linear", &Backend::linear, x, weight, bias, shape, options);
  }
  WeightGrads linear_backward_weight(const Tensor& dy, const Tensor& x, const Shape& weight,
                                     bool with_bias) override {
    return run("linear_backward_weight", &Backend::linear_backward_weight, dy, x, weight,
               with_bias);
  }
  Tensor linear_backward_input(const Tensor& dy, const Tensor& weight,
                               const Shape& shape) override {
    return run("linear_backward_input", &Backend::linear_backward_input, dy, weight, shape);
  }
  Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Shape& shape,
                const Conv2dOptions& options) override {
    return run("conv2d", &Backend::conv2d, x, weight, bias, shape, options);
  }
  std::string_view conv2d_path(ConvDirection direction, DType dtype, const Shape& x,
                               const Shape& weight, const Shape& y,
                               const Conv2dOptions& options) override {
    return inner_.conv2d_path(direction, dtype, x, weight, y, options);
  }
  Tensor conv2d_backward_input(const Tensor& dy, const Tensor& weight, const Shape& shape,
                               const Conv2dOptions& options) override {
    return run("conv2d_backward_input", &Backend::conv2d_backward_input, dy, weight, shape,
               options);
  }
  WeightGrads conv2d_backward_weight(const Tensor& dy, const Tensor& x, const Shape& weight,
                                     bool with_bias, const Conv2dOptions& options) override {
    return run("conv2d_backward_weight", &Backend::conv2d_backward_weight, dy, x, weight, with_bias,
               options);
  }
  WithIndices max_pool2d(const Tensor& x, const Shape& shape,
                         const Pool2dOptions& options) override {
    return run("max_pool2d", &Backend::max_pool2d, x, shape, options);
  }
  Tensor max_pool2d_backward(const Tensor& dy, const Tensor& indices, const Shape& shape,
                             const Pool2dOptions& options) override {
    return run("max_pool2d backward", &Backend::max_pool2d_backward, dy, indices, shape, options);
  }
  WithIndices conv2d_max_pool2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                const Shape& convolved, const Shape& shape,
                                const ConvPoolOptions& options) override {
    return run("conv2d_max_pool2d", &Backend::conv2d_max_pool2d, x, weight, bias, convolved, shape,
               options);
  }
  ConvGrads conv2d_max_pool2d_backward(const Tensor& dy, const WithIndices& pooled, const Tensor& x,
                                       const Tensor& weight, const Shape& convolved,
                                       const ConvPoolOptions& options, ConvNeeds needs) override {
    return run("conv2d_max_pool2d backward", &Backend::conv2d_max_pool2d_backward, dy, pooled, x,
               weight, convolved, options, needs);
  }
  Tensor avg_pool2d(const Tensor& x, const Shape& shape, const Pool2dOptions& options) override {
    return run("avg_pool2d", &Backend::avg_pool2d, x, shape, options);
  }
  Tensor avg_pool2d_backward(const Tensor& dy, const Shape& shape,
                             const Pool2dOptions& options) override {
    return run("avg_pool2d backward", &Backend::avg_pool2d_backward, dy, shape, options);
  }
  WithSaved batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       const Tensor& residual, const Tensor& mean, const Tensor& variance,
                       const BatchNormOptions& options) override {
    return run("batch_norm", &Backend::batch_norm, x, weight, bias, residual, mean, variance,
               options);
  }
  NormGrads batch_norm_backward(const Tensor& dy, const Saved& saved, bool with_residual,
                                const BatchNormOptions& options) override {
    return run("batch_norm backward", &Backend::batch_norm_backward, dy, saved, with_residual,
               options);
  }
  Tensor softmax(const Tensor& x) override { return run("softmax", &Backend::softmax, x); }
  Tensor softmax_backward(const Tensor& dy, const Tensor& y) override {
    return run("softmax backward", &Backend::softmax_backward, dy, y);
  }
  Tensor log_softmax(const Tensor& x) override {
    return run("log_softmax", &Backend::log_softmax, x);
  }
  Tensor log_softmax_backward(const Tensor& dy, const Tensor& y) override {
    return run("log_softmax backward", &Backend::log_softmax_backward, dy, y);
  }
  WithGrad cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing,
                         bool with_grad) override {
    return run("cross_entropy", &Backend::cross_entropy, logits, labels, smoothing, with_grad);
  }
  WithGrad cross_entropy_rows(const Tensor& logits, const Tensor& labels, const Tensor& weight,
                              double smoothing, std::optional<int64_t> ignored,
                              bool with_grad) override {
    return run("cross_entropy_rows", &Backend::cross_entropy_rows, logits, labels, weight,
               smoothing, ignored, with_grad);
  }
  WithGrad cross_entropy_soft(const Tensor& logits, const Tensor& targets, const Tensor& weights,
                              bool with_grad) override {
    return run("cross_entropy_soft", &Backend::cross_entropy_soft, logits, targets, weights,
               with_grad);
  }
  Tensor concat(std::span<const Tensor> parts, const Shape& shape, int axis) override {
    return run("concat", &Backend::concat, parts, shape, axis);
  }
  Tensor narrow(const Tensor& x, const Shape& shape, int axis, int64_t begin) override {
    return run("narrow", &Backend::narrow, x, shape, axis, begin);
  }
  Tensor permute(const Tensor& x, const Shape& shape, std::span<const int> axes) override {
    return run("permute", &Backend::permute, x, shape, axes);
  }
  Tensor gather_rows(const Tensor& x, const Tensor& indices, const Shape& shape) override {
    return run("gather_rows", &Backend::gather_rows, x, indices, shape);
  }
  Tensor scatter_add_rows(const Tensor& dy, const Tensor& indices, const Shape& shape) override {
    return run("scatter_add_rows", &Backend::scatter_add_rows, dy, indices, shape);
  }
  Tensor gather(const Tensor& x, const Tensor& indices, int axis) override {
    return run("gather", &Backend::gather, x, indices, axis);
  }
  Tensor scatter_add(const Tensor& dy, const Tensor& indices, const Shape& shape,
                     int axis) override {
    return run("scatter_add", &Backend::scatter_add, dy, indices, shape, axis);
  }
  void sgd(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
           const SgdRule& rule) override {
    return run("sgd", &Backend::sgd, slots, scalars, rule);
  }
  void adam(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
            const AdamRule& rule) override {
    return run("adam", &Backend::adam, slots, scalars, rule);
  }
  void nadam(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
             const NadamRule& rule) override {
    return run("nadam", &Backend::nadam, slots, scalars, rule);
  }
  Clip clip_scale(std::span<const Tensor> grads, double limit) override {
    return run("clip_scale", &Backend::clip_scale, grads, limit);
  }
  void scale_all(std::span<const Tensor> x, const Tensor& scale) override {
    return run("scale_all", &Backend::scale_all, x, scale);
  }
  WithGrad bean(const Tensor& h, const Tensor& weight, const BeanKernel& kernel,
                const Tensor& scales, bool with_dh, bool with_dweight) override {
    return run("bean", &Backend::bean, h, weight, kernel, scales, with_dh, with_dweight);
  }

 private:
  Backend& inner_;
};

}  // namespace

Backend& profiled(Backend& backend) {
  // Never destroyed, as backends are not.
  static auto& known = *new std::map<Backend*, std::unique_ptr<Backend>>;
  static auto& mutex = *new std::mutex;
  const std::lock_guard lock(mutex);
  std::unique_ptr<Backend>& found = known[&backend];
  if (!found) found = std::make_unique<ProfiledBackend>(backend);
  return *found;
}

}  // namespace hebb
