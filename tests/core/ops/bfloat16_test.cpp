#include <set>

#include "core/backend.hpp"
#include "core/parallel.hpp"
#include "tests/core/cpu/bfloat16.hpp"
#include "tests/core/ops/run.hpp"

/// The table's rows with operands of bfloat16, against float32 of the same numbers.
namespace hebb::test {
namespace {

// Those that give bfloat16 of it, and those that refuse it. All others give float32.
const std::set<std::string> narrow{"abs",          "add",
                                   "affine",       "avg_pool2d",
                                   "batch_norm2d", "concat",
                                   "conv2d",       "conv2d_max_pool2d",
                                   "dropout",      "exp",
                                   "fill_normal",  "fill_truncated_normal",
                                   "fill_uniform", "global_avg_pool2d",
                                   "linear",       "log",
                                   "max_pool2d",   "max_pool2d_with_indices",
                                   "narrow",       "negate",
                                   "pad",          "permute",
                                   "relu",         "reshape",
                                   "sigmoid",      "slice",
                                   "sqrt",         "square",
                                   "tanh",         "transpose"};
const std::set<std::string> refused{"accumulate", "adam_step",  "clip_norm", "clip_scale",
                                    "make_batch", "nadam_step", "sgd_step"};

std::vector<Array> rounded(std::vector<Array> values) {
  for (Array& array : values)
    for (double& value : array.values) value = double(to_bfloat16(float(value)));
  return values;
}

template <class F>
void for_each_narrow_row(F&& check_row) {
  if (!backend_for(test_device()).has_bfloat16()) return;
  for_each_row([&](const OpCase& row) {
    if (!refused.contains(row.op)) check_row(row, rounded(fill_operands(row)));
  });
}

constexpr double ulp = 1.0 / 256;  // of bfloat16: a rounding is half of it

}  // namespace

TEST_CASE("operations of bfloat16 are those of float32, rounded", "[core][ops]") {
  for_each_narrow_row([](const OpCase& row, const std::vector<Array>& values) {
    const Outcome expected = run(row, make_operands(row, values, DType::float32));
    const std::vector<Tensor> x = make_operands(row, values, DType::bfloat16);
    const Outcome got = run(row, x);
    // Of what is rounded before it is pooled another may be the largest: the test below.
    const bool pools_rounded = row.op == "conv2d_max_pool2d";
    // A GPU rounds a convolution before it adds the bias, too.
    const bool twice = row.op == "conv2d" && !test_device().is_cpu();
    const double tolerance = narrow.contains(row.op) ? (twice ? 2 * ulp : ulp) : 1e-6;
    CHECK(difference(got.y, expected.y, tolerance) == "");
    for (size_t i = 0; i < x.size(); ++i) {
      REQUIRE(got.grads[i].has_value() == expected.grads[i].has_value());
      if (!got.grads[i]) continue;
      CHECK(x[i].grad().dtype() == x[i].dtype());
      if (!pools_rounded) CHECK(difference(*got.grads[i], *expected.grads[i], 2 * ulp) == "");
    }
  });
}

TEST_CASE("a convolution with its pooling is both of them in bfloat16, too", "[core][ops]") {
  if (!backend_for(test_device()).has_bfloat16()) return;
  Generator generator(3);
  const auto random = [&](const Shape& shape, DType dtype) {
    const Tensor x = Tensor::empty(shape, {.device = test_device()});
    fill_normal(x, 0, 1, generator);
    return x.to(dtype).set_requires_grad();
  };
  const auto results = [&](auto&& f) {
    generator = Generator(3);
    const Tensor x = random({2, 3, 12, 12}, DType::bfloat16);
    const Tensor weight = random({6, 3, 5, 5}, DType::float32), bias = random({6}, DType::float32);
    const Tensor y = f(x, weight, bias);
    sum(y.to(DType::float32) * upstream(y.to(DType::float32))).backward();
    std::vector<std::vector<float>> values;
    for (const Tensor& result : {y, x.grad(), weight.grad(), bias.grad()})
      values.push_back(result.to(DType::float32).to_vector<float>());
    return values;
  };
  const Pool2dOptions pool{.kernel_h = 3, .kernel_w = 3};  // windows that overlap
  CHECK(results([&](const Tensor& x, const Tensor& weight, const Tensor& bias) {
          return conv2d_max_pool2d(x, weight, bias,
                                   {.conv = {.pad_h = 2}, .pool = pool, .relu = true});
        }) == results([&](const Tensor& x, const Tensor& weight, const Tensor& bias) {
          return relu(max_pool2d(conv2d(x, weight, bias, {.pad_h = 2}), pool));
        }));
}

TEST_CASE("operations say which types they give for bfloat16", "[core][ops]") {
  for_each_narrow_row([](const OpCase& row, const std::vector<Array>& values) {
    const Tensor y = row.call(make_operands(row, values, DType::bfloat16));
    const bool is_of_parameters = row.name.find("running statistics") != std::string::npos;
    if (is_floating(y.dtype()))
      CHECK(y.dtype() ==
            (narrow.contains(row.op) && !is_of_parameters ? DType::bfloat16 : DType::float32));
  });
}

TEST_CASE("operations of bfloat16 give the same bits for any number of threads", "[core][ops]") {
  const int threads = num_threads();
  for_each_narrow_row([](const OpCase& row, const std::vector<Array>& values) {
    const auto run_on = [&](int n) {
      set_num_threads(n);
      return run(row, make_operands(row, values, DType::bfloat16));
    };
    CHECK(same_bits(run_on(1), run_on(3)));
  });
  set_num_threads(threads);
}

TEST_CASE("what cannot be of bfloat16 is refused by name", "[core][ops]") {
  if (!backend_for(test_device()).has_bfloat16()) return;
  for_each_row([](const OpCase& row) {
    const std::vector<Tensor> x = make_operands(row, fill_operands(row), DType::bfloat16);
    if (row.op == "make_batch" || row.large) return;
    if (refused.contains(row.op) && row.op != "accumulate")
      CHECK_THROWS_AS(row.call(x), DTypeError);
    for (size_t i = 0; i < x.size(); ++i) {
      if (!is_parameter(row, i) || !is_floating(x[i].dtype())) continue;
      std::vector<Tensor> changed = x;
      changed[i] = x[i].detach().to(DType::bfloat16);
      CHECK_THROWS_AS(row.call(changed), DTypeError);
    }
  });
  const TensorOptions options{DType::bfloat16, test_device()};
  const Tensor x = Tensor::ones({2, 3}, options);
  const std::string device = test_device().to_string();
  const Weighted term{Tensor::ones({}, options), 1};
  CHECK_THROWS_WITH(
      accumulate(Tensor::zeros({1}, {DType::float64, test_device()}), {&term, 1}),
      "[accumulate] expected terms of float32, float64 or int64, got bfloat16 [] on " + device);
  CHECK_THROWS_WITH(linear(x, Tensor::ones({4, 3}, options), {}),
                    "[linear] expected weight of float32 beside x (bfloat16 [2, 3] on " + device +
                        "), got bfloat16 [4, 3] on " + device);
  CHECK_THROWS_WITH(x + Tensor::ones({2, 3}, {.device = test_device()}),
                    "[add] expected b of the same type as a (bfloat16 [2, 3] on " + device +
                        "), got float32 [2, 3] on " + device);
}

TEST_CASE("products of bfloat16 round their weights", "[core][ops]") {
  if (!backend_for(test_device()).has_bfloat16()) return;
  const Device device = test_device();
  const auto of = [&](float value, const Shape& shape, DType dtype) {
    return Tensor::full(shape, value, {dtype, device});
  };
  const float weight = 1 + 1.0f / 256 + 1.0f / 1024;  // nearer to 1 + 1/128 than to 1
  const float nearest = to_bfloat16(weight);
  REQUIRE(nearest != weight);
  const Tensor y = linear(of(1, {1, 1}, DType::bfloat16), of(weight, {1, 1}, DType::float32),
                          of(-nearest, {1}, DType::float32));
  CHECK(y.item() == 0);
  const Tensor z =
      conv2d(of(1, {1, 1, 1, 1}, DType::bfloat16), of(weight, {1, 1, 1, 1}, DType::float32),
             of(-nearest, {1}, DType::float32));
  CHECK(z.item() == 0);
}

}  // namespace hebb::test
