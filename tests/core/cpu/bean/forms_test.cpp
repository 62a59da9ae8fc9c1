#include "core/cpu/bean/forms.hpp"

#include <cmath>

#include "tests/catch.hpp"
#include "tests/core/cpu/numbers.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using test::random_numbers, test::relative_difference;

struct Penalty {
  double value;
  std::vector<double> dh, dweight;
};

/// A layer some of whose neurons are silent, some equal, and whose weights have both signs.
template <class T>
struct Layer {
  int64_t samples, neurons, targets;
  std::vector<T> h, weight;

  Layer(int64_t s, int64_t n, int64_t m)
      : samples(s),
        neurons(n),
        targets(m),
        h(random_numbers<T>(s * n, 1)),
        weight(random_numbers<T>(m * n, 2)) {
    for (int64_t i = 0; i < s * n; ++i)
      if (i % n % 3 == 0) h[i] = 0;
    if (n > 4)
      for (int64_t k = 0; k < s; ++k) h[k * n + 4] = h[k * n + 1];
  }

  static constexpr double gamma = 1.5, factor = 0.25;

  template <class Form>
  Penalty run(Form form) const {
    std::vector<T> dh(h.size(), NAN), dweight(weight.size(), NAN);
    const double value = form(BeanLayer<T>{.samples = samples,
                                           .neurons = neurons,
                                           .targets = targets,
                                           .h = h.data(),
                                           .weight = weight.data(),
                                           .gamma = T(gamma),
                                           .factor = factor,
                                           .dh = dh.data(),
                                           .dweight = dweight.data()});
    return {value, {dh.begin(), dh.end()}, {dweight.begin(), dweight.end()}};
  }

  /// As the formula has it: factor Σ_s Σ_ij K_ij^order d(h_si, h_sj) with K = Fᵀ F.
  Penalty reference(int order, Divergence divergence) const {
    const bool squared = divergence == Divergence::squared;
    Penalty p = {0, std::vector<double>(h.size()), std::vector<double>(weight.size())};
    std::vector<double> f(weight.size());
    for (size_t i = 0; i < f.size(); ++i) f[i] = std::abs(std::tanh(gamma * double(weight[i])));
    for (int64_t i = 0; i < neurons; ++i)
      for (int64_t j = 0; j < neurons; ++j) {
        double k = 0, distance = 0;
        for (int64_t m = 0; m < targets; ++m) k += f[m * neurons + i] * f[m * neurons + j];
        const double strength = order == 1 ? k : k * k;
        for (int64_t s = 0; s < samples; ++s) {
          const double e = double(h[s * neurons + i]) - double(h[s * neurons + j]);
          distance += squared ? e * e : std::abs(e);
          p.dh[s * neurons + i] +=
              2 * factor * strength * (squared ? 2 * e : double((e > 0) - (e < 0)));
        }
        p.value += factor * strength * distance;
        const double dk = factor * distance * (order == 1 ? 1 : 2 * k);
        for (int64_t m = 0; m < targets; ++m) {
          const double x = f[m * neurons + i];
          const double df = 2 * dk * f[m * neurons + j] * gamma * (1 - x * x);
          p.dweight[m * neurons + i] += weight[m * neurons + i] < 0 ? -df : df;
        }
      }
    return p;
  }
};

template <class T>
void check_close(const Penalty& got, const Penalty& expected,
                 double tolerance = sizeof(T) == 4 ? 3e-6 : 1e-13) {
  CHECK(std::abs(got.value - expected.value) <= tolerance * expected.value);
  CHECK(relative_difference(got.dh, expected.dh) <= tolerance);
  CHECK(relative_difference(got.dweight, expected.dweight) <= tolerance);
}

TEMPLATE_TEST_CASE("every form of the penalty is the formula", "[bean]", HEBB_ELEMENT_TYPES) {
  using T = TestType;
  using enum Divergence;
  for (const int64_t samples : {1, 3, 20})
    for (const int64_t neurons : {2, 13, 40, 84})
      for (const int64_t targets : {1, 10, 33}) {
        INFO("[" << samples << ", " << neurons << "] to " << targets);
        const Layer<T> layer(samples, neurons, targets);
        check_close<T>(layer.run(bean_order1<T>), layer.reference(1, squared));
        check_close<T>(layer.run(bean_order1_absolute<T>), layer.reference(1, absolute));
        const Penalty order2 = layer.reference(2, squared);
        check_close<T>(layer.run(bean_order2_by_targets<T>), order2);
        const auto by_neurons = [](Divergence d) {
          return [d](const BeanLayer<T>& of) { return bean_order2_by_neurons(of, d); };
        };
        check_close<T>(layer.run(by_neurons(squared)), order2);
        check_close<T>(layer.run(by_neurons(absolute)), layer.reference(2, absolute));
      }
}

TEST_CASE("silent neurons are those that are 0 in all samples", "[bean]") {
  const Layer<float> layer(3, 10, 2);
  const auto count = [](const BeanLayer<float>& of) { return double(count_active(of)); };
  CHECK(layer.run(count).value == 6);
}

#if HEBB_AMX
TEST_CASE("the penalty on tiles is the formula", "[amx]") {
  using enum Divergence;
  constexpr double two_products = 2 * 3.0 / (1 << 18);  // a strength's error, squared (amx.hpp)
  for (const int64_t neurons : {5, 40, 84, 120})
    for (const int64_t targets : {1, 24, 33, 84}) {
      INFO("[1, " << neurons << "] to " << targets);
      const Layer<float> layer(1, neurons, targets);
      for (const Divergence d : {squared, absolute})
        check_close<float>(
            layer.run([d](const BeanLayer<float>& of) { return bean_order2_on_tiles(of, d); }),
            layer.reference(2, d), two_products);
    }
}
#endif

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
