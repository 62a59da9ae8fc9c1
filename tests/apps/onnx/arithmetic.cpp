#include <numeric>

#include "tests/apps/onnx/operators.hpp"

/// Elementwise operators, reductions, products.
namespace hebb::test {
namespace {

using Results = std::vector<Tensor>;

template <Tensor (*f)(const Tensor&)>
Results of_one(const Call& call) {
  return {f(call[0])};
}
template <Tensor (*f)(const Tensor&, const Tensor&)>
Results of_two(const Call& call) {
  return {f(call[0], call[1])};
}
// Any number of operands.
template <Tensor (*f)(const Tensor&, const Tensor&)>
Results of_all(const Call& call) {
  Tensor y = call[0] * 1.0;
  for (size_t i = 1; i < call.inputs.size(); ++i) y = f(y, call[i]);
  return {y};
}

Tensor negative_part(const Tensor& x) { return minimum(x, Tensor::zeros({}, x.options())); }
Tensor positive(const Tensor& x) { return greater(x, Tensor::zeros({}, x.options())); }

Results power(const Call& call) { return {pow(call[0], call[1].to(call[0].dtype()))}; }

Results clip(const Call& call) {
  const double inf = std::numeric_limits<double>::infinity();
  return {clamp(call[0], call[1].defined() ? call[1].item() : -inf,
                call[2].defined() ? call[2].item() : inf)};
}

Results mean_of_all(const Call& call) {
  return {of_all<add>(call)[0] / double(call.inputs.size())};
}

Tensor exponential_units(const Tensor& x, double alpha, double gamma = 1, double slope = 1) {
  return where(positive(x), x * gamma, (exp(negative_part(x) * slope) - 1.0) * (alpha * gamma));
}
Results elu(const Call& call) {
  return {exponential_units(call[0], call.attributes.number("alpha", 1))};
}
Results celu(const Call& call) {
  const double alpha = call.attributes.number("alpha", 1);
  return {exponential_units(call[0], alpha, 1, 1 / alpha)};
}
Results selu(const Call& call) {
  return {exponential_units(call[0], call.attributes.number("alpha", 1.67326319217681884765625),
                            call.attributes.number("gamma", 1.05070102214813232421875))};
}
Results leaky_relu(const Call& call) {
  return {relu(call[0]) + negative_part(call[0]) * call.attributes.number("alpha", 0.01)};
}
Results parametric_relu(const Call& call) {
  return {relu(call[0]) + negative_part(call[0]) * call[1]};
}
Results thresholded_relu(const Call& call) {
  const Tensor alpha = Tensor::full({}, call.attributes.number("alpha", 1), call[0].options());
  return {where(greater(call[0], alpha), call[0], Tensor::zeros({}, call[0].options()))};
}
Results hard_sigmoid(const Call& call) {
  return {clamp(
      call[0] * call.attributes.number("alpha", 0.2) + call.attributes.number("beta", 0.5), 0, 1)};
}
Results hard_swish(const Call& call) { return {call[0] * clamp(call[0] / 6.0 + 0.5, 0, 1)}; }
Results shrink(const Call& call) {
  const Tensor limit = Tensor::full({}, call.attributes.number("lambd", 0.5), call[0].options());
  const double bias = call.attributes.number("bias", 0);
  const Tensor zero = Tensor::zeros({}, call[0].options());
  return {where(less(call[0], -limit), call[0] + bias,
                where(greater(call[0], limit), call[0] - bias, zero))};
}
Results softplus(const Call& call) { return {log(exp(call[0]) + 1.0)}; }
Results softsign(const Call& call) { return {call[0] / (abs(call[0]) + 1.0)}; }
Results sign(const Call& call) { return {positive(call[0]) - positive(-call[0])}; }
Results reciprocal(const Call& call) { return {pow(call[0], -1)}; }
Results is_nan(const Call& call) { return {not_equal(call[0], call[0])}; }
Results choose(const Call& call) { return {where(call[0].to(call[1].dtype()), call[1], call[2])}; }

// No axes are all of them, unless said otherwise.
bool does_nothing(const Call& call) {
  return call.axes().empty() && call.attributes.integer("noop_with_empty_axes", 0);
}
ReduceOptions kept(const Call& call) {
  return {.keep_axes = call.attributes.integer("keepdims", 1) != 0};
}
template <class F>
Results reduced(const Call& call, F f) {
  if (does_nothing(call)) return {call[0]};
  const std::vector<int64_t> axes = call.axes();
  return {f(call[0], {axes.begin(), axes.end()}, kept(call))};
}
using Axes = const std::vector<int>&;
Results reduce_sum(const Call& call) {
  return reduced(call, [](const Tensor& x, Axes a, ReduceOptions o) { return sum(x, a, o); });
}
Results reduce_mean(const Call& call) {
  return reduced(call, [](const Tensor& x, Axes a, ReduceOptions o) { return mean(x, a, o); });
}
Results reduce_max(const Call& call) {
  return reduced(call, [](const Tensor& x, Axes a, ReduceOptions o) { return max(x, a, o); });
}
Results reduce_min(const Call& call) {
  return reduced(call, [](const Tensor& x, Axes a, ReduceOptions o) { return -max(-x, a, o); });
}
Results reduce_l1(const Call& call) {
  return reduced(call, [](const Tensor& x, Axes a, ReduceOptions o) { return sum(abs(x), a, o); });
}
Results reduce_l2(const Call& call) {
  return reduced(
      call, [](const Tensor& x, Axes a, ReduceOptions o) { return sqrt(sum(square(x), a, o)); });
}
Results reduce_sum_square(const Call& call) {
  return reduced(call,
                 [](const Tensor& x, Axes a, ReduceOptions o) { return sum(square(x), a, o); });
}
Results reduce_log_sum(const Call& call) {
  return reduced(call, [](const Tensor& x, Axes a, ReduceOptions o) { return log(sum(x, a, o)); });
}
Results reduce_log_sum_exp(const Call& call) {
  return reduced(call, [](const Tensor& x, Axes a, ReduceOptions o) {
    const Tensor top = max(x, a, {.keep_axes = true});
    return log(sum(exp(x - top), a, o)) + max(x, a, o);
  });
}

Tensor place_of_largest(const Call& call, const Tensor& x) {
  return argmax(x, int(call.attributes.integer("axis", 0)),
                {.keep_axes = kept(call).keep_axes,
                 .last = call.attributes.integer("select_last_index", 0) != 0});
}
Results arg_max(const Call& call) { return {place_of_largest(call, call[0])}; }
Results arg_min(const Call& call) { return {place_of_largest(call, -call[0])}; }

Results soft_max(const Call& call) {
  return {softmax(call[0], int(call.attributes.integer("axis", -1)))};
}
Results log_soft_max(const Call& call) {
  return {log_softmax(call[0], int(call.attributes.integer("axis", -1)))};
}

Results product(const Call& call) { return {matmul(call[0], call[1])}; }
Results gemm(const Call& call) {
  const Attributes& a = call.attributes;
  const Tensor y = matmul(call[0], call[1],
                          {.transpose_a = a.integer("transA", 0) != 0,
                           .transpose_b = a.integer("transB", 0) != 0}) *
                   a.number("alpha", 1);
  return {call[2].defined() ? y + call[2] * a.number("beta", 1) : y};
}

Results range(const Call& call) {
  const double start = call[0].item(), step = call[2].item();
  std::vector<double> values;
  for (double x = start; step > 0 ? x < call[1].item() : x > call[1].item(); x += step)
    values.push_back(x);
  return {Tensor::from(values, {int64_t(values.size())}).to(call[0].dtype())};
}

}  // namespace

std::map<std::string, Function> arithmetic() {
  return {{"Abs", of_one<abs>},
          {"Add", of_two<add>},
          {"ArgMax", arg_max},
          {"ArgMin", arg_min},
          {"Celu", celu},
          {"Clip", clip},
          {"Div", of_two<divide>},
          {"Elu", elu},
          {"Equal", of_two<equal>},
          {"Exp", of_one<exp>},
          {"Gemm", gemm},
          {"Greater", of_two<greater>},
          {"GreaterOrEqual", of_two<greater_equal>},
          {"HardSigmoid", hard_sigmoid},
          {"HardSwish", hard_swish},
          {"IsNaN", is_nan},
          {"LeakyRelu", leaky_relu},
          {"Less", of_two<less>},
          {"LessOrEqual", of_two<less_equal>},
          {"Log", of_one<log>},
          {"LogSoftmax", log_soft_max},
          {"MatMul", product},
          {"Max", of_all<maximum>},
          {"Mean", mean_of_all},
          {"Min", of_all<minimum>},
          {"Mul", of_two<multiply>},
          {"Neg", of_one<negate>},
          {"PRelu", parametric_relu},
          {"Pow", power},
          {"Range", range},
          {"Reciprocal", reciprocal},
          {"ReduceL1", reduce_l1},
          {"ReduceL2", reduce_l2},
          {"ReduceLogSum", reduce_log_sum},
          {"ReduceLogSumExp", reduce_log_sum_exp},
          {"ReduceMax", reduce_max},
          {"ReduceMean", reduce_mean},
          {"ReduceMin", reduce_min},
          {"ReduceSum", reduce_sum},
          {"ReduceSumSquare", reduce_sum_square},
          {"Relu", of_one<relu>},
          {"Selu", selu},
          {"Shrink", shrink},
          {"Sigmoid", of_one<sigmoid>},
          {"Sign", sign},
          {"Softmax", soft_max},
          {"Softplus", softplus},
          {"Softsign", softsign},
          {"Sqrt", of_one<sqrt>},
          {"Sub", of_two<subtract>},
          {"Sum", of_all<add>},
          {"Tanh", of_one<tanh>},
          {"ThresholdedRelu", thresholded_relu},
          {"Where", choose}};
}

}  // namespace hebb::test
