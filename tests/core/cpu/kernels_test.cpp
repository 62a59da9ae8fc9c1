#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "core/cpu/adam.hpp"
#include "core/cpu/conv2d/paths.hpp"
#include "core/cpu/gemm/gemm.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/vector.hpp"
#include "core/parallel.hpp"
#include "tests/catch.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

template <class T>
std::vector<T> random_numbers(int64_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<T> uniform(T(-1), T(1));
  std::vector<T> x(n);
  for (T& element : x) element = uniform(generator);
  return x;
}

template <class T>
double largest_difference(const std::vector<T>& a, const std::vector<T>& b) {
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(double(a[i]) - double(b[i]));
    if (!(difference <= largest)) largest = difference;  // a NaN counts
  }
  return largest;
}

struct Product {
  bool trans_a, trans_b;
  int64_t m, n, k;
  double alpha = 1, beta = 0;
  bool row_bias = false, column_bias = false, relu = false;
};

/// The largest error of gemm and of parallel_gemm against sums in double.
template <class T>
double gemm_error(const Product& q) {
  const int64_t pad = 3, lda = (q.trans_a ? q.m : q.k) + pad, ldb = (q.trans_b ? q.k : q.n) + pad,
                ldc = q.n + pad;
  const auto a = random_numbers<T>((q.trans_a ? q.k : q.m) * lda, 1);
  const auto b = random_numbers<T>((q.trans_b ? q.n : q.k) * ldb, 2);
  const auto rows = random_numbers<T>(q.m, 3), columns = random_numbers<T>(q.n, 4);
  auto c = random_numbers<T>(q.m * ldc, 5);
  std::vector<T> expected = c;
  for (int64_t i = 0; i < q.m; ++i)
    for (int64_t j = 0; j < q.n; ++j) {
      double sum = 0;
      for (int64_t p = 0; p < q.k; ++p)
        sum += double(q.trans_a ? a[p * lda + i] : a[i * lda + p]) *
               double(q.trans_b ? b[j * ldb + p] : b[p * ldb + j]);
      double x = q.alpha * sum + q.beta * double(c[i * ldc + j]);
      if (q.row_bias) x += double(rows[i]);
      if (q.column_bias) x += double(columns[j]);
      expected[i * ldc + j] = T(q.relu && x < 0 ? 0 : x);
      if (q.beta == 0) c[i * ldc + j] = std::numeric_limits<T>::quiet_NaN();  // must not be read
    }
  Epilogue<T> epilogue;
  if (q.row_bias) epilogue.row_bias = rows.data();
  if (q.column_bias) epilogue.column_bias = columns.data();
  epilogue.relu = q.relu;
  auto d = c;
  gemm(q.trans_a, q.trans_b, q.m, q.n, q.k, T(q.alpha), a.data(), lda, b.data(), ldb, T(q.beta),
       c.data(), ldc, epilogue);
  parallel_gemm(q.trans_a, q.trans_b, q.m, q.n, q.k, T(q.alpha), a.data(), lda, b.data(), ldb,
                T(q.beta), d.data(), ldc, epilogue);
  return std::max(largest_difference(c, expected), largest_difference(d, expected));
}

template <class T>
void check_gemm(const Product& q) {
  INFO("transposed " << q.trans_a << q.trans_b << ", m " << q.m << ", n " << q.n << ", k " << q.k);
  const double unit = double(std::numeric_limits<T>::epsilon());
  CHECK(gemm_error<T>(q) <= unit * (double(q.k) / 2 + 16));
}

TEMPLATE_TEST_CASE("gemm computes every shape and transposition", "[core][kernels]", float,
                   double) {
  int turn = 0;
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true})
      for (const int64_t m : {1, 2, 4, 7, 13, 37})
        for (const int64_t n : {1, 3, 10, 16, 33, 97, 131})
          for (const int64_t k : {0, 1, 2, 5, 17, 64, 101}) {
            ++turn;
            check_gemm<TestType>({trans_a, trans_b, m, n, k, turn % 3 ? 1.0 : -0.5,
                                  turn % 4 ? 0.0 : 0.75, turn % 5 == 0, turn % 7 == 0,
                                  turn % 11 == 0});
          }
}

TEMPLATE_TEST_CASE("gemm cuts large products into blocks", "[core][kernels]", float, double) {
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true}) {
      check_gemm<TestType>({trans_a, trans_b, 100, 300, 784, 1, 0, false, true, true});
      check_gemm<TestType>({trans_a, trans_b, 61, 130, 1100, 1, 1, true});
      check_gemm<TestType>({trans_a, trans_b, 1, 700, 1300, 1, 0, true, true});
      check_gemm<TestType>({trans_a, trans_b, 700, 1, 1300, 1, 0, true, true});
    }
}

TEST_CASE("parallel_gemm gives the same bits for every number of threads", "[core][kernels]") {
  const int64_t m = 300, n = 700, k = 90;
  const auto a = random_numbers<float>(m * k, 1), b = random_numbers<float>(k * n, 2);
  std::vector<float> one(m * n), three(m * n);
  const int before = num_threads();
  set_num_threads(1);
  parallel_gemm(false, false, m, n, k, 1.0f, a.data(), k, b.data(), n, 0.0f, one.data(), n);
  set_num_threads(3);
  parallel_gemm(false, false, m, n, k, 1.0f, a.data(), k, b.data(), n, 0.0f, three.data(), n);
  set_num_threads(before);
  CHECK(one == three);
}

ConvGeometry geometry(int64_t batch, int64_t channels, int64_t height, int64_t width,
                      int64_t filters, int64_t kernel_h, int64_t kernel_w, int64_t pad_h,
                      int64_t pad_w) {
  return {batch,
          channels,
          height,
          width,
          filters,
          kernel_h,
          kernel_w,
          1,
          1,
          pad_h,
          pad_w,
          1,
          1,
          height + 2 * pad_h - kernel_h + 1,
          width + 2 * pad_w - kernel_w + 1};
}

TEST_CASE("the direct convolution agrees with im2col", "[core][kernels]") {
  const ConvGeometry geometries[] = {
      geometry(3, 1, 28, 28, 6, 5, 5, 2, 2), geometry(5, 6, 14, 14, 16, 5, 5, 0, 0),
      geometry(2, 3, 9, 13, 17, 3, 3, 1, 1), geometry(1, 2, 5, 31, 3, 2, 3, 0, 2),
      geometry(40, 4, 7, 6, 40, 3, 1, 2, 0), geometry(2, 13, 16, 16, 1, 7, 7, 3, 3),
      geometry(0, 3, 8, 8, 4, 3, 3, 1, 1),
  };
  for (const ConvGeometry& g : geometries) {
    INFO(g.channels << " to " << g.filters << " channels, kernel " << g.kernel_h << "x"
                    << g.kernel_w);
    REQUIRE(direct_applies(g));
    const int64_t in = g.batch * g.channels * g.height * g.width;
    const int64_t out = g.batch * g.filters * g.out_h * g.out_w;
    const int64_t weights = g.filters * g.channels * g.kernel_h * g.kernel_w;
    const auto x = random_numbers<float>(in, 1), w = random_numbers<float>(weights, 2),
               bias = random_numbers<float>(g.filters, 3), dy = random_numbers<float>(out, 4);
    struct Results {
      std::vector<float> y, dx, dw, db;
    };
    const auto run = [&](ConvPath path) {
      const float unwritten = std::numeric_limits<float>::quiet_NaN();
      Results r = {std::vector<float>(out, unwritten), std::vector<float>(in, unwritten),
                   std::vector<float>(weights, unwritten),
                   std::vector<float>(g.filters, unwritten)};
      conv2d_forward(g, x.data(), w.data(), bias.data(), r.y.data(), path);
      conv2d_backward_input(g, dy.data(), w.data(), r.dx.data(), path);
      conv2d_backward_weight(g, x.data(), dy.data(), r.dw.data(), r.db.data(), path);
      return r;
    };
    const Results a = run(ConvPath::direct), b = run(ConvPath::im2col);
    const auto tolerance = [](int64_t terms) { return 5e-8 * double(terms) + 2e-6; };
    CHECK(largest_difference(a.y, b.y) <= tolerance(g.channels * g.kernel_h * g.kernel_w));
    CHECK(largest_difference(a.dx, b.dx) <= tolerance(g.filters * g.kernel_h * g.kernel_w));
    CHECK(largest_difference(a.dw, b.dw) <= tolerance(g.batch * g.out_h * g.out_w));
    CHECK(largest_difference(a.db, b.db) <= tolerance(g.batch * g.out_h * g.out_w));
  }
}

TEST_CASE("convolution gradients have the same bits for every number of threads",
          "[core][kernels]") {
  const ConvGeometry g = geometry(50, 6, 14, 14, 16, 5, 5, 0, 0);
  const auto x = random_numbers<float>(50 * 6 * 14 * 14, 1),
             dy = random_numbers<float>(50 * 16 * 10 * 10, 2);
  for (const ConvPath path : {ConvPath::direct, ConvPath::im2col}) {
    std::vector<float> one(16 * 6 * 25), three(16 * 6 * 25), db(16);
    const int before = num_threads();
    set_num_threads(1);
    conv2d_backward_weight(g, x.data(), dy.data(), one.data(), db.data(), path);
    set_num_threads(3);
    conv2d_backward_weight(g, x.data(), dy.data(), three.data(), db.data(), path);
    set_num_threads(before);
    CHECK(one == three);
  }
}

TEST_CASE("scratch memory nests and is used again", "[core][kernels]") {
  double* first = nullptr;
  for (int turn = 0; turn < 3; ++turn) {
    Scratch<double> outer(1000);
    for (int i = 0; i < 1000; ++i) outer[i] = i;
    {
      Scratch<char> empty(0);
      Scratch<float> inner(1 << 20);
      REQUIRE(reinterpret_cast<uintptr_t>(inner.data()) % 64 == 0);
      for (int i = 0; i < 1 << 20; ++i) inner[i] = -1.0f;
      Scratch<int32_t> innermost(77);
      for (int i = 0; i < 77; ++i) innermost[i] = -1;
      CHECK(inner[(1 << 20) - 1] == -1.0f);
    }
    bool kept = true;
    for (int i = 0; i < 1000; ++i) kept = kept && outer[i] == i;
    CHECK(kept);
    if (turn == 1) first = outer.data();  // after the first turn one chunk holds everything
    if (turn == 2) CHECK(outer.data() == first);
  }
}

/// The largest error of `function` in units in the last place of the exact result, over floats
/// spread evenly by their bits between two of the same sign.
template <class Function, class Exact>
double largest_ulp_error(Function function, Exact exact, float from, float to) {
  int32_t bits, last;
  std::memcpy(&bits, &from, sizeof(bits));
  std::memcpy(&last, &to, sizeof(last));
  const int32_t step = (last - bits) / 400000 + 1;
  double largest = 0;
  for (; bits <= last - step; bits += step) {
    float x;
    std::memcpy(&x, &bits, sizeof(x));
    const double expected = exact(double(x));
    const float magnitude = std::abs(float(expected));
    if (magnitude < std::numeric_limits<float>::min()) continue;
    const double ulp = double(std::nextafter(magnitude, 1e38f)) - double(magnitude);
    const double error = std::abs(double(function(Vec<float>(x))[0]) - expected) / std::abs(ulp);
    if (!(error <= largest)) largest = error;
  }
  return largest;
}

TEST_CASE("vector functions are exact to a few units in the last place", "[core][kernels]") {
  using V = Vec<float>;
  const auto vector_exp = [](V x) { return exp(x); };
  const auto vector_log = [](V x) { return log(x); };
  const auto vector_tanh = [](V x) { return tanh(x); };
  const auto vector_sigmoid = [](V x) { return sigmoid(x); };
  const auto exact_exp = [](double x) { return std::exp(x); };
  const auto exact_log = [](double x) { return std::log(x); };
  const auto exact_tanh = [](double x) { return std::tanh(x); };
  const auto exact_sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  CHECK(largest_ulp_error(vector_exp, exact_exp, 1e-10f, 88.5f) < 2);
  CHECK(largest_ulp_error(vector_exp, exact_exp, -1e-10f, -87.0f) < 2);
  CHECK(largest_ulp_error(vector_log, exact_log, 1.2e-38f, 3e38f) < 2);
  CHECK(largest_ulp_error(vector_tanh, exact_tanh, 1e-30f, 50.0f) < 2.5);
  CHECK(largest_ulp_error(vector_tanh, exact_tanh, -1e-30f, -50.0f) < 2.5);
  CHECK(largest_ulp_error(vector_sigmoid, exact_sigmoid, 1e-10f, 50.0f) < 3);
  CHECK(largest_ulp_error(vector_sigmoid, exact_sigmoid, -1e-10f, -86.0f) < 3);
}

TEMPLATE_TEST_CASE("vector functions at the ends of the range", "[core][kernels]", float, double) {
  using T = TestType;
  using V = Vec<T>;
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  CHECK(exp(V(T(0)))[0] == T(1));
  CHECK(exp(V(infinity))[0] == infinity);
  CHECK(exp(V(T(1000)))[0] == infinity);
  CHECK(exp(V(-infinity))[0] == T(0));
  CHECK(exp(V(T(-1000)))[0] == T(0));
  CHECK(std::isnan(exp(V(nan))[0]));
  CHECK(log(V(T(1)))[0] == T(0));
  CHECK(log(V(T(0)))[0] == -infinity);
  CHECK(log(V(infinity))[0] == infinity);
  CHECK(std::isnan(log(V(T(-1)))[0]));
  CHECK(std::isnan(log(V(nan))[0]));
  CHECK(tanh(V(infinity))[0] == T(1));
  CHECK(tanh(V(-infinity))[0] == T(-1));
  CHECK(std::isnan(tanh(V(nan))[0]));
  CHECK(std::signbit(tanh(V(T(-0.0)))[0]));
  CHECK(sigmoid(V(infinity))[0] == T(1));
  CHECK(sigmoid(V(-infinity))[0] == T(0));
  CHECK(sigmoid(V(T(0)))[0] == T(0.5));
}

TEMPLATE_TEST_CASE("partial vectors touch only their elements", "[core][kernels]", float, double) {
  using T = TestType;
  constexpr int64_t lanes = Vec<T>::lanes;
  T from[lanes];
  for (int64_t i = 0; i < lanes; ++i) from[i] = T(i + 1);
  for (int64_t n = 0; n <= lanes; ++n) {
    const Vec<T> x = load(from, n);
    CHECK(sum(x) == T(n * (n + 1) / 2));
    T to[lanes] = {};
    store(to, Vec<T>(T(-1)), n);
    for (int64_t i = 0; i < lanes; ++i) CHECK(to[i] == (i < n ? T(-1) : T(0)));
  }
}

TEST_CASE("adam_update follows the formula in double", "[core][kernels]") {
  const int64_t n = 1001;
  auto param = random_numbers<float>(n, 1), m = random_numbers<float>(n, 2),
       v = random_numbers<float>(n, 3);
  const auto grad = random_numbers<float>(n, 4);
  for (float& x : v) x = x * x;
  const auto p0 = param, m0 = m, v0 = v;
  const AdamStep step = {.lr = 1e-2,
                         .beta1 = 0.9,
                         .beta2 = 0.999,
                         .epsilon = 1e-8,
                         .bias_correction1 = 1 - 0.9 * 0.9,
                         .bias_correction2 = 1 - 0.999 * 0.999};
  adam_update(n, param.data(), grad.data(), m.data(), v.data(), step);
  double largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double g = double(grad[i]), mean = 0.9 * double(m0[i]) + 0.1 * g;
    const double square = 0.999 * double(v0[i]) + 0.001 * g * g;
    const double expected = double(p0[i]) - step.lr / step.bias_correction1 * mean /
                                                (std::sqrt(square / step.bias_correction2) + 1e-8);
    largest = std::max(largest, std::abs(double(param[i]) - expected) / (1 + std::abs(expected)));
  }
  CHECK(largest < 2e-7);
}

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
