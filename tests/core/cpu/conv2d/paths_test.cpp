#include "core/cpu/conv2d/paths.hpp"

#include <cmath>

#include "core/cpu/conv2d/direct.hpp"
#include "core/cpu/conv2d/overlap_add.hpp"
#include "core/cpu/conv2d/pointwise.hpp"
#include "core/cpu/conv2d/sliding_sums.hpp"
#include "core/cpu/conv2d/winograd.hpp"
#include "core/parallel.hpp"
#include "tests/catch.hpp"
#include "tests/core/cpu/conv2d/cases.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

TEST_CASE("im2col agrees with the definition", "[conv2d]") {
  ConvGeometry strided = geometry(3, 3, 11, 8, 5, 3, 2, 1, 0);
  strided.stride_h = 2, strided.stride_w = 3, strided.dilation_h = 2;
  strided.out_h = 5, strided.out_w = 3;
  ConvGeometry pointwise = geometry(4, 17, 8, 8, 33, 1, 1, 0, 0);
  pointwise.stride_h = pointwise.stride_w = 2, pointwise.out_h = pointwise.out_w = 4;
  for (const ConvGeometry& g :
       {geometry(3, 1, 28, 28, 6, 5, 5, 2, 2), geometry(2, 70, 9, 9, 40, 3, 3, 1, 1),
        geometry(7, 70, 9, 9, 40, 3, 3, 1, 1), geometry(1, 200, 4, 4, 130, 3, 3, 1, 1),
        geometry(3, 20, 7, 5, 24, 1, 1, 0, 0), geometry(0, 3, 8, 8, 4, 3, 3, 1, 1), strided,
        pointwise}) {
    INFO(name_of(g));
    Case(g).check(ConvPath::im2col, 1e-6);
  }
}

TEST_CASE("the direct convolution agrees with the definition", "[conv2d]") {
  for (const ConvGeometry& g :
       {geometry(3, 1, 28, 28, 6, 5, 5, 2, 2), geometry(5, 6, 14, 14, 16, 5, 5, 0, 0),
        geometry(2, 3, 9, 13, 17, 3, 3, 1, 1), geometry(1, 2, 5, 31, 3, 2, 3, 0, 2),
        geometry(40, 4, 7, 6, 40, 3, 1, 2, 0), geometry(2, 13, 16, 16, 1, 7, 7, 3, 3),
        geometry(2, 3, 32, 32, 64, 3, 3, 1, 1),  // whole rows
        geometry(3, 7, 12, 34, 21, 3, 3, 1, 0), geometry(2, 64, 9, 66, 5, 2, 3, 0, 0),
        geometry(3, 5, 14, 14, 32, 5, 5, 0, 0),
        geometry(3, 16, 14, 14, 6, 5, 5, 0, 0),   // short ones
        geometry(1, 70, 20, 20, 50, 3, 3, 1, 1),  // filters in several parts
        geometry(3, 40, 16, 32, 45, 3, 3, 1, 1), geometry(0, 3, 8, 8, 4, 3, 3, 1, 1)}) {
    INFO(name_of(g));
    REQUIRE(direct_applies(g));
    Case(g).check(ConvPath::direct, 2e-6);
  }
}

TEST_CASE("inputs' gradients of overlapping rows agree with the definition", "[conv2d]") {
  for (const ConvGeometry& g :
       {geometry(9, 6, 14, 14, 16, 5, 5, 0, 0),   // LeNet-5's second layer
        geometry(2, 20, 9, 8, 7, 3, 5, 2, 1),     // channels of more than one vector, padding
        geometry(1, 3, 6, 31, 5, 5, 4, 4, 3),     // rows in several blocks, the most padding
        geometry(3, 1, 7, 7, 2, 7, 7, 0, 0),      // a single position
        geometry(40, 6, 12, 10, 16, 5, 5, 1, 1),  // several pieces
        geometry(0, 6, 14, 14, 16, 5, 5, 0, 0)}) {
    INFO(name_of(g));
    const Case c(g);
    std::vector<float> dx(c.dx.size(), std::numeric_limits<float>::quiet_NaN());
    overlap_add_backward_input(g, c.dy.data(), c.w.data(), dx.data());
    double largest = 0;
    for (const double value : c.dx) largest = std::max(largest, std::abs(value));
    CHECK(largest_difference(dx, c.dx) <= 2e-6 * largest);
  }
}

TEST_CASE("rows overlap where their lanes are filled and zeros are spared", "[conv2d]") {
  CHECK(overlap_add_pays(geometry(100, 6, 14, 14, 16, 5, 5, 0, 0)));
  CHECK_FALSE(
      overlap_add_pays(geometry(1, 6, 14, 14, 16, 5, 5, 0, 0)));  // as few-shot studies have it
  CHECK_FALSE(overlap_add_pays(geometry(100, 1, 28, 28, 6, 5, 5, 2, 2)));    // few lanes
  CHECK_FALSE(overlap_add_pays(geometry(100, 64, 32, 32, 64, 3, 3, 1, 1)));  // few zeros
}

TEST_CASE("sums that slide down an image agree with the definition", "[conv2d]") {
  for (const ConvGeometry& g :
       {geometry(3, 6, 28, 28, 1, 5, 5, 2, 2),  // LeNet-5's first layer backward
        geometry(2, 7, 9, 6, 2, 3, 3, 1, 1),    // rows of less than a vector, two filters
        geometry(2, 2, 11, 70, 1, 3, 5, 0, 1),  // strips of several widths, the last overlaps
        geometry(1, 5, 8, 37, 3, 4, 1, 3, 0),   // the most padding, a kernel of one column
        geometry(2, 3, 1, 20, 1, 6, 2, 5, 1),   // fewer rows than the kernel has
        geometry(2, 3, 7, 19, 1, 7, 7, 0, 0),   // a single row
        geometry(1, 2, 5, 25, 1, 3, 3, 1, 1), geometry(1, 2, 5, 33, 1, 3, 3, 1, 1),
        geometry(40, 4, 16, 17, 1, 3, 3, 1, 1),  // several pieces
        geometry(1, 2, 5, 52, 1, 4, 3, 1, 1), geometry(1, 2, 5, 65, 1, 5, 3, 2, 1)}) {
    INFO(name_of(g));
    const Case c(g);
    std::vector<float> y(c.y.size(), std::numeric_limits<float>::quiet_NaN());
    sliding_sums_forward(g, c.x.data(), c.w.data(), c.bias.data(), y.data());
    double largest = 0;
    for (const double value : c.y) largest = std::max(largest, std::abs(value));
    CHECK(largest_difference(y, c.y) <= 2e-6 * largest);
  }
}

TEST_CASE("sums slide where one filter's rows fill vectors", "[conv2d]") {
  CHECK(sliding_sums_pay(geometry(100, 6, 28, 28, 1, 5, 5, 2, 2)));
  CHECK(sliding_sums_pay(geometry(1, 64, 32, 32, 1, 3, 3, 1, 1)));
  CHECK_FALSE(sliding_sums_pay(geometry(100, 64, 32, 32, 3, 3, 3, 1, 1)));
  CHECK_FALSE(sliding_sums_pay(geometry(100, 6, 33, 33, 1, 1, 1, 0, 0)));
  CHECK_FALSE(sliding_sums_pay(geometry(100, 64, 2, 2, 1, 3, 3, 1, 1)));
}

TEST_CASE("the convolution of single positions agrees with the definition", "[conv2d]") {
  const auto strided = [](ConvGeometry g, int64_t stride_h, int64_t stride_w) {
    g.stride_h = stride_h, g.stride_w = stride_w;
    g.out_h = (g.height - 1) / stride_h + 1, g.out_w = (g.width - 1) / stride_w + 1;
    return g;
  };
  for (const ConvGeometry& g : {
           geometry(2, 20, 8, 8, 24, 1, 1, 0, 0),     // panels within an image
           geometry(3, 17, 7, 5, 33, 1, 1, 0, 0),     // over several, lanes left over
           geometry(2, 600, 3, 3, 70, 1, 1, 0, 0),    // sums in several parts
           geometry(90, 40, 12, 12, 50, 1, 1, 0, 0),  // several pieces
           strided(geometry(2, 64, 32, 32, 40, 1, 1, 0, 0), 2, 2),
           strided(geometry(3, 9, 17, 35, 20, 1, 1, 0, 0), 2,
                   2),  // the last row and column are read
           strided(geometry(3, 9, 10, 66, 20, 1, 1, 0, 0), 2, 2),  // or not
           strided(geometry(70, 33, 8, 8, 65, 1, 1, 0, 0), 2, 2),  // small planes
           strided(geometry(2, 5, 11, 40, 6, 1, 1, 0, 0), 3, 1),
           strided(geometry(2, 5, 11, 40, 6, 1, 1, 0, 0), 1, 3),
           strided(geometry(40, 70, 4, 4, 12, 1, 1, 0, 0), 2, 2),    // rows of two positions
           strided(geometry(3, 40, 40, 90, 13, 1, 1, 0, 0), 3, 20),  // none beside another
           strided(geometry(9, 72, 17, 33, 30, 1, 1, 0, 0), 2, 2),   // pieces that differ
           geometry(0, 3, 8, 8, 4, 1, 1, 0, 0),
       }) {
    INFO(name_of(g));
    REQUIRE(pointwise_applies(g));
    Case(g).check(ConvPath::pointwise, 1e-6);
  }
  CHECK_FALSE(pointwise_applies(geometry(2, 3, 8, 8, 4, 1, 1, 0, 1)));
  CHECK_FALSE(pointwise_applies(geometry(2, 3, 8, 8, 4, 1, 2, 0, 0)));
}

TEST_CASE("Winograd's convolutions agree with the definition", "[conv2d]") {
  for (const ConvGeometry& g : {
           geometry(2, 16, 8, 8, 16, 3, 3, 1, 1),    // whole tiles
           geometry(1, 17, 7, 9, 19, 3, 3, 1, 1),    // tiles over the border, lanes left over
           geometry(3, 5, 6, 5, 40, 3, 3, 0, 0),     // no padding
           geometry(2, 33, 3, 11, 7, 3, 3, 2, 2),    // the most padding
           geometry(1, 8, 1, 1, 8, 3, 3, 1, 1),      // less than a tile
           geometry(2, 9, 5, 6, 10, 3, 3, 0, 2),     // padding of columns alone
           geometry(131, 24, 4, 4, 8, 3, 3, 1, 1),   // pieces of several images
           geometry(2, 70, 33, 34, 66, 3, 3, 1, 1),  // several pieces of an image
           geometry(3, 300, 4, 4, 270, 3, 3, 1, 1),  // sums over channels in two parts
           geometry(0, 16, 8, 8, 16, 3, 3, 1, 1),
       }) {
    INFO(name_of(g));
    REQUIRE(winograd_applies<2>(g));
    const Case c(g);
    c.check(ConvPath::winograd2, 2e-6);
    c.check(ConvPath::winograd4, 1e-5);
  }
}

TEST_CASE("Winograd's convolutions of stride 2 agree with the definition", "[conv2d]") {
  for (ConvGeometry g : {
           geometry(2, 16, 16, 16, 32, 3, 3, 1, 1),   // whole tiles
           geometry(1, 17, 7, 9, 19, 3, 3, 1, 1),     // odd planes, lanes left over
           geometry(3, 9, 6, 10, 40, 3, 3, 1, 1),     // tiles over the border
           geometry(1, 8, 1, 2, 8, 3, 3, 1, 1),       // less than a tile
           geometry(131, 24, 4, 4, 8, 3, 3, 1, 1),    // pieces of several images
           geometry(2, 70, 65, 34, 130, 3, 3, 1, 1),  // several pieces of an image
           geometry(0, 16, 8, 8, 16, 3, 3, 1, 1),
       }) {
    g.stride_h = g.stride_w = 2;
    g.out_h = (g.height + 1) / 2, g.out_w = (g.width + 1) / 2;
    INFO(name_of(g));
    REQUIRE(winograd_applies<4>(g));
    CHECK_FALSE(winograd_applies<2>(g));
    Case(g).check(ConvPath::winograd4, 4e-6);
  }
}

TEST_CASE("Winograd's convolutions are for 3x3 kernels of stride 1, or 2 with padding 1",
          "[conv2d]") {
  const ConvGeometry g = geometry(2, 16, 8, 8, 16, 3, 3, 1, 1);
  ConvGeometry strided = g, unpadded = geometry(2, 16, 8, 8, 16, 3, 3, 0, 1), dilated = g;
  strided.stride_w = 2, dilated.dilation_h = 2, unpadded.stride_h = unpadded.stride_w = 2;
  for (const ConvGeometry& other :
       {strided, unpadded, dilated, geometry(2, 16, 8, 8, 16, 3, 5, 1, 1),
        geometry(2, 16, 8, 8, 16, 1, 3, 1, 1), geometry(2, 16, 8, 8, 16, 3, 3, 3, 1)}) {
    CHECK_FALSE(winograd_applies<2>(other));
    CHECK_FALSE(winograd_applies<4>(other));
  }
}

TEST_CASE("convolutions have the same bits for every number of threads", "[conv2d]") {
  const Case large(geometry(50, 6, 14, 14, 16, 5, 5, 0, 0)),
      wide(geometry(30, 3, 32, 32, 20, 3, 3, 1, 1)), small(geometry(40, 20, 10, 9, 24, 3, 3, 1, 1)),
      single(geometry(60, 33, 9, 9, 40, 1, 1, 0, 0)), one(geometry(1, 70, 20, 20, 50, 3, 3, 1, 1));
  CHECK((results(ConvPath::direct, one, 1) == results(ConvPath::direct, one, 3)));
  CHECK((results(ConvPath::im2col, one, 1) == results(ConvPath::im2col, one, 3)));
  CHECK((results(ConvPath::direct, wide, 1) == results(ConvPath::direct, wide, 3)));
  for (const ConvPath path : {ConvPath::direct, ConvPath::im2col})
    CHECK((results(path, large, 1) == results(path, large, 3)));
  CHECK((results(ConvPath::pointwise, single, 1) == results(ConvPath::pointwise, single, 3)));
  for (const ConvPath path : {ConvPath::winograd2, ConvPath::winograd4})
    CHECK((results(path, small, 1) == results(path, small, 3)));
  ConvGeometry halved = geometry(40, 20, 16, 16, 24, 3, 3, 1, 1);
  halved.stride_h = halved.stride_w = 2, halved.out_h = halved.out_w = 8;
  const Case strided(halved);
  CHECK((results(ConvPath::winograd4, strided, 1) == results(ConvPath::winograd4, strided, 3)));
}

TEST_CASE("each direction has its fastest path", "[conv2d]") {
  const ConvDirection all[] = {ConvDirection::forward, ConvDirection::backward_input,
                               ConvDirection::backward_weight};
  const auto fast = [](ConvDirection direction, const ConvGeometry& g) {
    return choose_path<float>(ConvPolicy::fast, Bfloat16Unit::none, direction, g);
  };
  const auto exact = [](ConvDirection direction, const ConvGeometry& g) {
    return choose_path<float>(ConvPolicy::exact, Bfloat16Unit::none, direction, g);
  };
  const ConvGeometry lenet = geometry(100, 6, 14, 14, 16, 5, 5, 0, 0);
  const ConvGeometry wide = geometry(100, 128, 16, 16, 128, 3, 3, 1, 1);
  for (const ConvDirection direction : all) {
    CHECK(fast(direction, lenet) == ConvPath::direct);
#if HEBB_FLOAT64
    CHECK(choose_path<double>(ConvPolicy::fast, Bfloat16Unit::none, direction, lenet) ==
          ConvPath::im2col);
    CHECK(choose_path<double>(ConvPolicy::fast, Bfloat16Unit::none, direction, wide) ==
          ConvPath::im2col);
#endif
    CHECK(exact(direction, geometry(100, 64, 14, 14, 64, 1, 1, 0, 0)) == ConvPath::pointwise);
    CHECK(fast(direction, geometry(100, 64, 14, 14, 64, 1, 1, 0, 1)) == ConvPath::im2col);
    ConvGeometry strided = geometry(100, 3, 28, 28, 64, 3, 3, 1, 1);
    strided.stride_h = 2, strided.out_h = 14;
    CHECK(fast(direction, strided) == ConvPath::im2col);
    CHECK(fast(direction, wide) == ConvPath::winograd4);
    CHECK(fast(direction, geometry(100, 128, 2, 2, 128, 3, 3, 1, 1)) == ConvPath::winograd2);
    // The lanes of the transforms are channels.
    CHECK(fast(direction, geometry(100, 3, 32, 32, 64, 3, 3, 1, 1)) == ConvPath::direct);
    // A tile would be little but border; kernels would be transformed for few images.
    for (const ConvGeometry& g :
         {geometry(1000, 64, 1, 1, 64, 3, 3, 1, 1), geometry(2, 64, 8, 8, 64, 3, 3, 1, 1)})
      CHECK(fast(direction, g) == exact(direction, g));
    ConvGeometry halved = geometry(100, 64, 32, 32, 128, 3, 3, 1, 1);
    halved.stride_h = halved.stride_w = 2, halved.out_h = halved.out_w = 16;
    CHECK(fast(direction, halved) == ConvPath::winograd4);
    CHECK(exact(direction, halved) == ConvPath::im2col);
    halved.out_h = halved.out_w = 6, halved.height = halved.width = 12;
    CHECK(fast(direction, halved) == ConvPath::im2col);  // as many products, by half empty tiles
  }
  // Small planes waste what lies between their rows, but not in the weights' gradients.
  const ConvGeometry small = geometry(100, 16, 4, 4, 16, 3, 3, 1, 1);
  CHECK(exact(ConvDirection::forward, small) == ConvPath::im2col);
  CHECK(exact(ConvDirection::backward_weight, small) == ConvPath::direct);
  CHECK(exact(ConvDirection::forward, wide) == ConvPath::direct);
  CHECK(exact(ConvDirection::backward_weight, wide) == ConvPath::im2col);
}

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
