#include "core/cpu/conv2d/paths.hpp"

#include <limits>

#include "core/cpu/conv2d/direct.hpp"
#include "core/parallel.hpp"
#include "tests/catch.hpp"
#include "tests/core/cpu/numbers.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using test::largest_difference, test::random_numbers;

ConvGeometry geometry(int64_t batch, int64_t channels, int64_t height, int64_t width,
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

TEST_CASE("the direct convolution agrees with im2col", "[conv2d]") {
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
      conv2d_forward(path, g, x.data(), w.data(), bias.data(), r.y.data());
      conv2d_backward_input(path, g, dy.data(), w.data(), r.dx.data());
      conv2d_backward_weight(path, g, x.data(), dy.data(), r.dw.data(), r.db.data());
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

TEST_CASE("convolution gradients have the same bits for every number of threads", "[conv2d]") {
  const ConvGeometry g = geometry(50, 6, 14, 14, 16, 5, 5, 0, 0);
  const auto x = random_numbers<float>(50 * 6 * 14 * 14, 1),
             dy = random_numbers<float>(50 * 16 * 10 * 10, 2);
  for (const ConvPath path : {ConvPath::direct, ConvPath::im2col}) {
    std::vector<float> one(16 * 6 * 25), three(16 * 6 * 25), db(16);
    const int before = num_threads();
    set_num_threads(1);
    conv2d_backward_weight(path, g, x.data(), dy.data(), one.data(), db.data());
    set_num_threads(3);
    conv2d_backward_weight(path, g, x.data(), dy.data(), three.data(), db.data());
    set_num_threads(before);
    CHECK(one == three);
  }
}

TEST_CASE("each direction has its fastest path", "[conv2d]") {
  const ConvDirection all[] = {ConvDirection::forward, ConvDirection::backward_input,
                               ConvDirection::backward_weight};
  const ConvGeometry lenet = geometry(100, 6, 14, 14, 16, 5, 5, 0, 0);
  for (const ConvDirection direction : all) {
    CHECK(choose_path<float>(direction, lenet) == ConvPath::direct);
    CHECK(choose_path<double>(direction, lenet) == ConvPath::im2col);
    CHECK(choose_path<float>(direction, geometry(100, 64, 14, 14, 64, 1, 1, 0, 0)) ==
          ConvPath::im2col);
    ConvGeometry strided = geometry(100, 3, 28, 28, 64, 3, 3, 1, 1);
    strided.stride_h = 2, strided.out_h = 14;
    CHECK(choose_path<float>(direction, strided) == ConvPath::im2col);
  }
  // Small planes waste what lies between their rows, but not in the weights' gradients.
  const ConvGeometry small = geometry(100, 16, 4, 4, 16, 3, 3, 1, 1);
  CHECK(choose_path<float>(ConvDirection::forward, small) == ConvPath::im2col);
  CHECK(choose_path<float>(ConvDirection::backward_weight, small) == ConvPath::direct);
  const ConvGeometry wide = geometry(100, 128, 16, 16, 128, 3, 3, 1, 1);
  CHECK(choose_path<float>(ConvDirection::forward, wide) == ConvPath::direct);
  CHECK(choose_path<float>(ConvDirection::backward_weight, wide) == ConvPath::im2col);
}

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
