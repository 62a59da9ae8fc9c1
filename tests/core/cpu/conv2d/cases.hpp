#pragma once

#include <algorithm>
#include <array>
#include <limits>
#include <sstream>
#include <string>

#include "core/cpu/conv2d/paths.hpp"
#include "core/parallel.hpp"
#include "tests/catch.hpp"
#include "tests/core/cpu/numbers.hpp"

namespace hebb::cpu::HEBB_ISA {

using test::largest_difference, test::random_numbers;

inline ConvGeometry geometry(int64_t batch, int64_t channels, int64_t height, int64_t width,
                             int64_t filters, int64_t kernel_h, int64_t kernel_w, int64_t pad_h,
                             int64_t pad_w) {
  return {.batch = batch,
          .channels = channels,
          .height = height,
          .width = width,
          .filters = filters,
          .kernel_h = kernel_h,
          .kernel_w = kernel_w,
          .pad_h = pad_h,
          .pad_w = pad_w,
          .out_h = height + 2 * pad_h - kernel_h + 1,
          .out_w = width + 2 * pad_w - kernel_w + 1};
}

/// A convolution of random numbers in every direction, added up in float64 as it is defined, with
/// factors that may be rounded before.
struct Case {
  ConvGeometry g;
  std::vector<float> x, w, bias, dy;
  std::vector<double> y, dx, dw, db;

  explicit Case(
      const ConvGeometry& geometry, float (*factor)(float) = [](float v) { return v; })
      : g(geometry),
        x(random_numbers<float>(g.batch * g.channels * g.height * g.width, 1)),
        w(random_numbers<float>(g.filters * g.channels * g.kernel_h * g.kernel_w, 2)),
        bias(random_numbers<float>(g.filters, 3)),
        dy(random_numbers<float>(g.batch * g.filters * g.out_h * g.out_w, 4)),
        y(dy.size()),
        dx(x.size()),
        dw(w.size()),
        db(bias.size()) {
    for (int64_t n = 0, o = 0; n < g.batch; ++n)
      for (int64_t f = 0; f < g.filters; ++f)
        for (int64_t i = 0; i < g.out_h; ++i)
          for (int64_t j = 0; j < g.out_w; ++j, ++o) {
            y[o] = bias[f];
            db[f] += dy[o];
            for_each_product(n, f, i, j, [&](int64_t input, int64_t weight) {
              y[o] += double(factor(x[input])) * factor(w[weight]);
              dx[input] += double(factor(dy[o])) * factor(w[weight]);
              dw[weight] += double(factor(dy[o])) * factor(x[input]);
            });
          }
  }

  /// Calls function(input's element, weight's element) for all that output n, f, i, j adds up.
  template <class Function>
  void for_each_product(int64_t n, int64_t f, int64_t i, int64_t j, Function&& function) const {
    for (int64_t c = 0; c < g.channels; ++c)
      for (int64_t a = 0; a < g.kernel_h; ++a)
        for (int64_t b = 0; b < g.kernel_w; ++b) {
          const int64_t row = i * g.stride_h + a * g.dilation_h - g.pad_h;
          const int64_t column = j * g.stride_w + b * g.dilation_w - g.pad_w;
          if (row < 0 || row >= g.height || column < 0 || column >= g.width) continue;
          function(((n * g.channels + c) * g.height + row) * g.width + column,
                   ((f * g.channels + c) * g.kernel_h + a) * g.kernel_w + b);
        }
  }

  /// Holds a path's results to these, with a tolerance in units of the largest element. What the
  /// path leaves unwritten fails.
  void check(ConvPath path, double tolerance) const {
    const auto unwritten = [](size_t n) {
      return std::vector<float>(n, std::numeric_limits<float>::quiet_NaN());
    };
    auto y1 = unwritten(y.size()), dx1 = unwritten(dx.size()), dw1 = unwritten(dw.size()),
         db1 = unwritten(db.size()), dw2 = dw1;
    conv2d_forward(path, g, x.data(), w.data(), bias.data(), y1.data());
    conv2d_backward_input(path, g, dy.data(), w.data(), dx1.data());
    conv2d_backward_weight(path, g, x.data(), dy.data(), dw1.data(), db1.data());
    conv2d_backward_weight<float>(path, g, x.data(), dy.data(), dw2.data(), nullptr);
    const auto largest = [](const std::vector<double>& v) {
      return largest_difference(v, std::vector<double>(v.size()));
    };
    CHECK(largest_difference(y1, y) <= tolerance * largest(y));
    CHECK(largest_difference(dx1, dx) <= tolerance * largest(dx));
    CHECK(largest_difference(dw1, dw) <= tolerance * largest(dw));
    CHECK(largest_difference(db1, db) <= tolerance * largest(db));
    CHECK(dw1 == dw2);
  }
};

inline std::string name_of(const ConvGeometry& g) {
  std::ostringstream name;
  name << g.batch << " of " << g.channels << "x" << g.height << "x" << g.width << " to "
       << g.filters << " channels, kernel " << g.kernel_h << "x" << g.kernel_w << ", padding "
       << g.pad_h << ", " << g.pad_w;
  return name.str();
}

/// What a path computes in all directions on so many threads.
inline auto results(ConvPath path, const Case& c, int threads) {
  const int before = num_threads();
  set_num_threads(threads);
  std::vector<float> y(c.y.size()), dx(c.dx.size()), dw(c.dw.size()), db(c.db.size());
  conv2d_forward(path, c.g, c.x.data(), c.w.data(), c.bias.data(), y.data());
  conv2d_backward_input(path, c.g, c.dy.data(), c.w.data(), dx.data());
  conv2d_backward_weight(path, c.g, c.x.data(), c.dy.data(), dw.data(), db.data());
  set_num_threads(before);
  return std::array{y, dx, dw, db};
}

}  // namespace hebb::cpu::HEBB_ISA
