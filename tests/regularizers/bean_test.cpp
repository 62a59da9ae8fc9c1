#include "core/ops/bean.hpp"

#include <malloc.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/parallel.hpp"
#include "tests/allocations.hpp"
#include "tests/regularizers/reference.hpp"

namespace hebb {
namespace {

using test::Values;

struct Layer {
  int64_t S, N, M;
  Values h, weight;
};

/// Half of the activations are 0, every seventh neuron is silent, every tenth has a twin.
Layer make_layer(int64_t S, int64_t N, int64_t M, double weight_scale = 0.5) {
  Layer layer{S, N, M, test::rectified_values(S * N, uint64_t(S * N)),
              test::normal_values(N * M, uint64_t(N * M + 1), weight_scale)};
  for (int64_t s = 0; s < S; ++s)
    for (int64_t i = 0; i < N; ++i) {
      if (i % 7 == 6) layer.h[s * N + i] = 0;
      if (i % 10 == 9) layer.h[s * N + i] = layer.h[s * N + i - 5];
    }
  return layer;
}

template <class T>
Tensor tensor(const Values& values, const Shape& shape) {
  return Tensor::from(std::vector<T>(values.begin(), values.end()), shape);
}

template <class T>
Values to_values(const Tensor& x) {
  const std::vector<T> values = x.to_vector<T>();
  return {values.begin(), values.end()};
}

template <class T>
test::Penalty bean(const Layer& layer, const BeanKernel& kernel) {
  const Tensor h = tensor<T>(layer.h, {layer.S, layer.N}).set_requires_grad();
  const Tensor weight = tensor<T>(layer.weight, {layer.M, layer.N}).set_requires_grad();
  const Tensor penalty = bean_penalty(h, weight, kernel);
  penalty.backward();
  return {penalty.item(), to_values<T>(h.grad()), to_values<T>(weight.grad())};
}

/// Largest of the errors of the value and both gradients.
double error(const test::Penalty& expected, const test::Penalty& got) {
  return std::max({test::relative_error({expected.value}, {got.value}),
                   test::relative_error(expected.dh, got.dh),
                   test::relative_error(expected.dweight, got.dweight)});
}

const std::vector<BeanKernel> kernels = [] {
  std::vector<BeanKernel> result;
  for (const int order : {1, 2})
    for (const Divergence divergence : {Divergence::squared, Divergence::absolute})
      for (const double gamma : {1.0, 2.5})
        result.push_back(
            {.order = order, .divergence = divergence, .gamma = gamma, .scale = 1.75 / order});
  return result;
}();

std::string describe(const BeanKernel& kernel) {
  std::ostringstream text;
  text << "order " << kernel.order << (kernel.divergence == Divergence::squared ? "" : ", absolute")
       << ", gamma " << kernel.gamma;
  return text.str();
}

/// Shapes for every form: order 2 by neurons (many targets) and by targets (few, many samples),
/// rows of whole vectors and not, one of everything.
struct Extents {
  int64_t S, N, M;
};
constexpr Extents extents[] = {{1, 1, 1},   {4, 1, 3},    {1, 9, 1},   {3, 16, 1},
                               {1, 37, 20}, {2, 64, 33},  {5, 30, 70}, {20, 45, 3},
                               {33, 50, 2}, {1, 130, 10}, {1, 75, 40}};

}  // namespace

TEST_CASE("BEAN is the triple loop of Eq. 1", "[regularizers][ops]") {
  for (const auto& [S, N, M] : extents)
    for (const BeanKernel& kernel : kernels) {
      INFO("S " << S << ", N " << N << ", M " << M << ", " << describe(kernel));
      const Layer layer = make_layer(S, N, M);
      CHECK(error(test::literal_bean(S, N, M, layer.h, layer.weight, kernel),
                  bean<double>(layer, kernel)) < 1e-12);
    }
}

TEST_CASE("BEAN of layers with nothing in them", "[regularizers][ops]") {
  for (const BeanKernel& kernel : kernels)
    for (const auto& [S, N, M] : extents) {
      INFO("S " << S << ", N " << N << ", M " << M << ", " << describe(kernel));
      const auto is_reference = [&, S = S, N = N, M = M](const Layer& layer) {
        const test::Penalty got = bean<double>(layer, kernel);
        return error(test::literal_bean(S, N, M, layer.h, layer.weight, kernel), got) < 1e-12;
      };
      Layer layer = make_layer(S, N, M);
      for (size_t i = 0; i < layer.weight.size(); i += 3) layer.weight[i] = 0;
      CHECK(is_reference(layer));  // some weights are zero, and their gradient is

      Layer silent = layer;
      silent.h.assign(silent.h.size(), 0);
      const test::Penalty none = bean<double>(silent, kernel);
      CHECK(none.value == 0);
      CHECK(none.dh == Values(none.dh.size(), 0.0));
      CHECK(none.dweight == Values(none.dweight.size(), 0.0));

      Layer equal = layer;
      for (int64_t s = 0; s < S; ++s)
        for (int64_t i = 0; i < N; ++i) equal.h[s * N + i] = 0.75 + double(s);
      const test::Penalty agreed = bean<double>(equal, kernel);
      CHECK(agreed.value < 1e-28);
      if (kernel.divergence == Divergence::absolute)
        CHECK(agreed.dh == Values(agreed.dh.size(), 0.0));

      Layer unconnected = layer;
      unconnected.weight.assign(unconnected.weight.size(), 0);
      const test::Penalty free = bean<double>(unconnected, kernel);
      CHECK(free.value == 0);
      CHECK(free.dh == Values(free.dh.size(), 0.0));
      CHECK(free.dweight == Values(free.dweight.size(), 0.0));
    }
}

TEST_CASE("BEAN passes gradcheck", "[regularizers][ops]") {
  for (const auto& [S, N, M] : {Extents{1, 5, 4}, Extents{3, 6, 2}, Extents{20, 11, 1}})
    for (const BeanKernel& kernel : kernels) {
      INFO("S " << S << ", N " << N << ", M " << M << ", " << describe(kernel));
      // Normal activations are never equal, and no weight is 0: there the penalty has kinks.
      const Tensor inputs[] = {
          tensor<double>(test::normal_values(S * N, 3), {S, N}).set_requires_grad(),
          tensor<double>(test::normal_values(N * M, 4), {M, N}).set_requires_grad()};
      const GradcheckResult result = gradcheck(
          [&](std::span<const Tensor> x) { return bean_penalty(x[0], x[1], kernel); }, inputs);
      INFO(result.message);
      CHECK(result.ok);
    }
}

TEST_CASE("BEAN in float32 is within 2e-6 of float64", "[regularizers][ops]") {
  // Each error is a share of the largest element. Both start from the same float32 numbers; those
  // near 1000 are whole sixteenths, so that their differences are exact.
  for (const Extents& e : {Extents{1, 400, 120}, Extents{1, 120, 84}, Extents{1, 84, 10},
                           Extents{1, 500, 10}, Extents{20, 84, 10}, Extents{50, 90, 10}})
    for (const double offset : {0.0, 1000.0})
      for (const BeanKernel& kernel : kernels) {
        if (kernel.gamma != 1) continue;
        INFO("S " << e.S << ", N " << e.N << ", M " << e.M << ", offset " << offset << ", "
                  << describe(kernel));
        Layer layer = make_layer(e.S, e.N, e.M, 0.1);
        for (double& x : layer.h)
          x = double(float(offset > 0 ? offset + std::round(x * 16) / 16 : x));
        for (double& x : layer.weight) x = double(float(x));
        CHECK(error(bean<double>(layer, kernel), bean<float>(layer, kernel)) < 2e-6);
      }
}

TEST_CASE("BEAN keeps a penalty near zero exact to its own size", "[regularizers][ops]") {
  // Two assemblies that agree almost: the penalty is 1e-8 of its terms.
  constexpr int64_t N = 40, M = 4;
  Layer layer{1, N, M, Values(N), Values(N * M)};
  for (int64_t i = 0; i < N; ++i) {
    layer.h[i] = double(float((i % 2 ? 1 : 3) + 1e-4 * double(i % 5)));
    for (int64_t m = 0; m < M; ++m) layer.weight[m * N + i] = m % 2 == i % 2 ? 0.5 : 0;
  }
  for (const int order : {1, 2}) {
    const BeanKernel kernel{.order = order};
    const test::Penalty expected = test::literal_bean(1, N, M, layer.h, layer.weight, kernel);
    CHECK(expected.value < 1e-6);
    CHECK(test::relative_error({expected.value}, {bean<float>(layer, kernel).value}) < 1e-3);
  }
}

TEST_CASE("BEAN lets NaN through", "[regularizers][ops]") {
  for (const BeanKernel& kernel : kernels)
    for (const Extents& e : {Extents{3, 20, 5}, Extents{1, 50, 40}}) {
      INFO(describe(kernel) << ", S " << e.S);
      Layer layer = make_layer(e.S, e.N, e.M);
      layer.h[7] = std::nan("");
      CHECK(std::isnan(bean<double>(layer, kernel).value));
      CHECK(std::isnan(bean<float>(layer, kernel).value));
      layer = make_layer(e.S, e.N, e.M);
      layer.weight[3] = std::nan("");
      CHECK(std::isnan(bean<double>(layer, kernel).value));
      CHECK(std::isnan(bean<float>(layer, kernel).value));
    }
}

TEST_CASE("BEAN's bits do not depend on the number of threads", "[regularizers][ops]") {
  const int before = num_threads();
  for (const Extents& e : {Extents{100, 784, 500}, Extents{100, 500, 10}, Extents{64, 400, 120}})
    for (const BeanKernel& kernel : kernels) {
      if (kernel.gamma != 1 || (kernel.order == 2 && e.M > 200)) continue;
      INFO("S " << e.S << ", N " << e.N << ", M " << e.M << ", " << describe(kernel));
      const Layer layer = make_layer(e.S, e.N, e.M, 0.1);
      set_num_threads(1);
      const test::Penalty one = bean<float>(layer, kernel);
      set_num_threads(2);
      const test::Penalty two = bean<float>(layer, kernel);
      CHECK(one.value == two.value);
      CHECK(one.dh == two.dh);
      CHECK(one.dweight == two.dweight);
    }
  set_num_threads(before);
}

TEST_CASE("BEAN takes nothing from the system after the first time", "[regularizers][ops]") {
  for (const BeanKernel& kernel : kernels) {
    const Layer layer = make_layer(10, 84, 10);
    const Tensor h = tensor<float>(layer.h, {10, 84}).set_requires_grad();
    const Tensor weight = tensor<float>(layer.weight, {10, 84}).set_requires_grad();
    const auto step = [&] { return cpu::backend().bean(h, weight, kernel, {}, true, true); };
    for (int i = 0; i < 3; ++i) step();
    const int64_t taken = memory_stats().system_allocations, heap = test::heap_allocations();
    for (int i = 0; i < 5; ++i) step();
    const int64_t taken_after = memory_stats().system_allocations;
    const int64_t heap_after = test::heap_allocations();
    INFO(describe(kernel));
    CHECK(taken_after == taken);
    CHECK(heap_after == heap);
  }
}

namespace {

int64_t kilobytes(const char* field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with(field)) return std::stoll(line.substr(line.find(':') + 1));
  return -1;
}

/// By how many bytes the process's resident memory rises at most while a new thread, whose scratch
/// memory is empty, runs `work`: tensors, scratch, stacks and all. -1 where the system can't say.
template <class Work>
int64_t peak_rise(Work work) {
  release_cached_memory();
  malloc_trim(0);
  const int64_t before = kilobytes("VmRSS");
  {
    std::ofstream reset("/proc/self/clear_refs");
    if (!(reset << 5 << std::flush)) return -1;
  }
  std::thread(work).join();
  return before < 0 ? -1 : (kilobytes("VmHWM") - before) * 1024;
}

}  // namespace

TEST_CASE("BEAN's peak memory is far under S x N x N", "[regularizers]") {
  const int64_t trial = peak_rise([] { Tensor::full({1 << 23}, 1); });
  if (trial < 0) {
    test::skip("the system does not tell peak memory");
    return;
  }
  CHECK(trial >= 32 << 20);  // or the measurement means nothing
  const int before = num_threads();
  set_num_threads(1);
  for (const Extents& e : {Extents{100, 500, 10}, Extents{100, 400, 120}})
    for (const BeanKernel& kernel : kernels) {
      INFO("N " << e.N << ", M " << e.M << ", " << describe(kernel));
      const Layer layer = make_layer(e.S, e.N, e.M, 0.1);
      const Tensor h = tensor<float>(layer.h, {e.S, e.N}).set_requires_grad();
      const Tensor weight = tensor<float>(layer.weight, {e.M, e.N}).set_requires_grad();
      const int64_t rise = peak_rise([&] { bean_penalty(h, weight, kernel).backward(); });
      INFO("rise " << rise);
      CHECK(rise < e.S * e.N * e.N * int64_t(sizeof(float)) / 10);
    }
  set_num_threads(before);
}

TEST_CASE("BEAN says what is wrong with its arguments", "[regularizers]") {
  const Tensor h = Tensor::ones({3, 4}), weight = Tensor::ones({2, 5});
  CHECK_THROWS_AS(bean_penalty(h, weight), ShapeError);
  CHECK_THROWS_WITH(bean_penalty(h, weight),
                    "[bean_penalty] expected h of shape [S, 5] to match weight [2, 5], got [3, 4]");
  CHECK_THROWS_AS(bean_penalty(h, Tensor::ones({2, 4}), {.order = 3}), ValueError);
  CHECK_THROWS_AS(bean_penalty(h, Tensor::ones({2, 4}), {.gamma = 0}), ValueError);
}

}  // namespace hebb
