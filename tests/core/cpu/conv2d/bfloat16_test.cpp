#include "core/cpu/conv2d/bfloat16.hpp"

#include "core/cpu/conv2d/bfloat16_planes.hpp"
#include "tests/core/cpu/bfloat16.hpp"
#include "tests/core/cpu/conv2d/cases.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

ConvGeometry strided(ConvGeometry g, int64_t stride_h, int64_t stride_w, int64_t dilation_h = 1,
                     int64_t dilation_w = 1) {
  g.stride_h = stride_h, g.stride_w = stride_w;
  g.dilation_h = dilation_h, g.dilation_w = dilation_w;
  g.out_h = (g.height + 2 * g.pad_h - (g.kernel_h - 1) * dilation_h - 1) / stride_h + 1;
  g.out_w = (g.width + 2 * g.pad_w - (g.kernel_w - 1) * dilation_w - 1) / stride_w + 1;
  return g;
}

ConvPath path_of(Bfloat16Unit unit) {
  return unit == Bfloat16Unit::tiles ? ConvPath::bfloat16_tiles : ConvPath::bfloat16_vectors;
}

void check_definition(Bfloat16Unit unit) {
  for (const ConvGeometry& g : {
           geometry(1, 1, 1, 1, 1, 1, 1, 0, 0),       // a single product
           geometry(2, 32, 8, 16, 32, 3, 3, 1, 1),    // whole tiles
           geometry(2, 33, 5, 32, 31, 3, 3, 1, 1),    // lanes left over
           geometry(3, 17, 7, 9, 19, 3, 3, 1, 1),     // tiles over several rows
           geometry(5, 16, 4, 4, 47, 3, 3, 1, 1),     // over several images, which share zeros
           geometry(7, 20, 3, 2, 16, 3, 3, 2, 2),     // more padding than a weight reaches
           geometry(3, 5, 6, 5, 40, 3, 3, 0, 0),      // none
           geometry(2, 9, 5, 6, 10, 3, 3, 0, 2),      // of columns alone
           geometry(2, 6, 13, 11, 16, 5, 7, 3, 2),    // large kernels
           geometry(4, 3, 32, 32, 64, 3, 3, 1, 1),    // ResNet-18's first
           geometry(3, 17, 7, 5, 33, 1, 1, 0, 0),     // single positions
           geometry(2, 18, 7, 5, 33, 1, 1, 3, 1),     // with padding
           geometry(131, 24, 4, 4, 8, 3, 3, 1, 1),    // pieces of several images
           geometry(2, 70, 97, 110, 66, 3, 3, 1, 1),  // several pieces of an image
           geometry(3, 150, 4, 4, 130, 3, 3, 1, 1),   // several blocks of channels and filters
           strided(geometry(2, 16, 16, 16, 32, 3, 3, 1, 1), 2, 2),
           strided(geometry(3, 17, 7, 9, 19, 3, 3, 1, 1), 2, 2),
           strided(geometry(2, 16, 32, 32, 33, 3, 3, 1, 1), 2, 2),
           strided(geometry(2, 40, 65, 67, 48, 3, 3, 1, 1), 2, 2),
           strided(geometry(2, 64, 32, 32, 40, 1, 1, 0, 0), 2, 2),
           strided(geometry(3, 9, 17, 35, 20, 1, 1, 0, 0), 2, 2),
           strided(geometry(2, 5, 11, 40, 6, 1, 1, 0, 0), 3, 1),
           strided(geometry(2, 4, 23, 19, 17, 7, 7, 3, 3), 2, 2),
           strided(geometry(2, 5, 14, 13, 6, 3, 2, 1, 1), 1, 3, 2, 1),
           strided(geometry(2, 5, 14, 13, 6, 3, 3, 4, 4), 3, 2, 2, 3),
           strided(geometry(2, 8, 9, 9, 8, 2, 2, 0, 0), 4, 5),
           geometry(0, 16, 8, 8, 16, 3, 3, 1, 1),
       }) {
    INFO(name_of(g) << ", stride " << g.stride_h << ", " << g.stride_w << ", dilation "
                    << g.dilation_h << ", " << g.dilation_w);
    Case(g, test::to_bfloat16).check(path_of(unit), 2e-6);
  }
}
HEBB_TEST_BFLOAT16("bfloat16's convolutions agree with the definition", "[conv2d]",
                   check_definition)

void check_threads(Bfloat16Unit unit) {
  for (const ConvGeometry& g :
       {geometry(40, 40, 10, 9, 70, 3, 3, 1, 1), geometry(1, 70, 90, 96, 50, 3, 3, 1, 1),
        strided(geometry(30, 33, 32, 32, 20, 3, 3, 1, 1), 2, 2)}) {
    const Case c(g);
    CHECK((results(path_of(unit), c, 1) == results(path_of(unit), c, 3)));
  }
}
HEBB_TEST_BFLOAT16("bfloat16's convolutions have the same bits for every number of threads",
                   "[conv2d]", check_threads)

void check_not_finite(Bfloat16Unit unit) {
  for (const float x : {INFINITY, NAN, std::bit_cast<float>(0x7fffffff)}) {
    Case c(geometry(1, 16, 4, 4, 16, 1, 1, 0, 0));
    c.x[5] = x;
    const auto y = results(path_of(unit), c, 1)[0];
    for (size_t i = 0; i < y.size(); ++i) CHECK(std::isfinite(y[i]) == (i % 16 != 5));
  }
}
HEBB_TEST_BFLOAT16("what is not finite stays so in bfloat16's convolutions", "[conv2d]",
                   check_not_finite)

std::vector<Bfloat16> narrow(const std::vector<float>& x) {
  std::vector<Bfloat16> result(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    result[i].bits = uint16_t(std::bit_cast<uint32_t>(test::to_bfloat16(x[i])) >> 16);
  return result;
}

std::vector<float> wide(const std::vector<Bfloat16>& x) {
  std::vector<float> result(x.size());
  for (size_t i = 0; i < x.size(); ++i) result[i] = std::bit_cast<float>(uint32_t(x[i].bits) << 16);
  return result;
}

/// To the bit, since the sums are the same.
void check_planes(ConvPath path, const ConvGeometry& g) {
  INFO(name_of(g) << ", stride " << g.stride_h << ", path " << int(path));
  Case c(g);
  for (std::vector<float>* values : {&c.x, &c.w, &c.dy})
    for (float& value : *values) value = test::to_bfloat16(value);
  const auto [y, dx, dw, db] = results(path, c, 2);
  const std::vector<Bfloat16> x = narrow(c.x), dy = narrow(c.dy);
  std::vector<Bfloat16> y1(y.size()), dx1(dx.size());
  std::vector<float> dw1(dw.size()), db1(db.size());
  bfloat16_planes(path, g, x.data(), c.w.data(), c.bias.data(), y1.data());
  bfloat16_planes_backward_input(path, g, dy.data(), c.w.data(), dx1.data());
  bfloat16_planes_backward_weight(path, g, x.data(), dy.data(), dw1.data(), db1.data());
  CHECK(wide(y1) == wide(narrow(y)));
  CHECK(wide(dx1) == wide(narrow(dx)));
  CHECK(dw1 == dw);
  CHECK(db1 == db);
}

void check_planes_of_unit(Bfloat16Unit unit) {
  for (const ConvGeometry& g :
       {geometry(3, 17, 7, 9, 19, 3, 3, 1, 1), geometry(2, 33, 8, 16, 31, 5, 3, 2, 1),
        strided(geometry(2, 16, 32, 32, 33, 3, 3, 1, 1), 2, 2),
        strided(geometry(3, 17, 35, 33, 20, 1, 1, 0, 0), 2, 2),
        strided(geometry(2, 5, 14, 13, 6, 3, 3, 4, 4), 3, 2, 2, 3),
        strided(geometry(2, 16, 19, 23, 17, 3, 3, 1, 1), 2, 3)})
    check_planes(path_of(unit), g);
}
HEBB_TEST_BFLOAT16("planes of bfloat16 give what planes of float32 do, rounded", "[conv2d]",
                   check_planes_of_unit)

TEST_CASE("planes of bfloat16 give what planes of float32 do by Winograd's algorithms, rounded",
          "[avx512bf16][conv2d]") {
  if (!test::has_bfloat16_vectors()) return;
  for (const ConvGeometry& g :
       {geometry(3, 17, 7, 9, 19, 3, 3, 1, 1), geometry(5, 40, 8, 8, 33, 3, 3, 1, 1),
        geometry(2, 16, 13, 21, 16, 3, 3, 2, 0)}) {
    check_planes(ConvPath::winograd2, g);
    check_planes(ConvPath::winograd4, g);
  }
}

TEST_CASE("planes of bfloat16 have the path that pays", "[avx512bf16][amx][conv2d]") {
  using enum Bfloat16Unit;
  const ConvGeometry wide = geometry(100, 128, 16, 16, 128, 3, 3, 1, 1),
                     few = geometry(100, 3, 32, 32, 64, 3, 3, 1, 1), halved = strided(wide, 2, 2),
                     point = strided(geometry(100, 128, 16, 16, 256, 1, 1, 0, 0), 2, 2);
  for (const ConvDirection direction :
       {ConvDirection::forward, ConvDirection::backward_input, ConvDirection::backward_weight}) {
    const auto path = [&](Bfloat16Unit unit, const ConvGeometry& g) {
      return bfloat16_planes_path(ConvPolicy::fast, unit, direction, g);
    };
    CHECK(path(vectors, wide) == ConvPath::winograd4);
    CHECK(path(tiles, wide) == ConvPath::bfloat16_tiles);
    CHECK(path(vectors, halved) == ConvPath::bfloat16_vectors);
    CHECK(path(vectors, point) == ConvPath::bfloat16_vectors);
    for (const Bfloat16Unit unit : {vectors, tiles}) CHECK(path(unit, few) == ConvPath::im2col);
  }
}

TEST_CASE("bfloat16 is for convolutions where it is asked for and pays",
          "[avx512bf16][amx][conv2d]") {
  using enum Bfloat16Unit;
  for (const ConvDirection direction :
       {ConvDirection::forward, ConvDirection::backward_input, ConvDirection::backward_weight}) {
    const auto path = [&](Bfloat16Unit unit, const ConvGeometry& g,
                          ConvPolicy policy = ConvPolicy::fast) {
      return choose_path<float>(policy, unit, direction, g);
    };
    const ConvGeometry wide = geometry(100, 128, 16, 16, 128, 3, 3, 1, 1),
                       lenet = geometry(100, 1, 28, 28, 6, 5, 5, 2, 2),
                       halved = strided(wide, 2, 2),
                       point = strided(geometry(100, 128, 16, 16, 256, 1, 1, 0, 0), 2, 2);
    CHECK(path(none, wide) == ConvPath::winograd4);
    CHECK(path(vectors, wide) == ConvPath::winograd4);
    CHECK(path(vectors, wide, ConvPolicy::exact) == ConvPath::bfloat16_vectors);
    CHECK(path(vectors, halved) == ConvPath::bfloat16_vectors);
    CHECK(path(vectors, point) == (direction == ConvDirection::backward_input
                                       ? ConvPath::pointwise
                                       : ConvPath::bfloat16_vectors));
    for (const ConvGeometry& g : {wide, halved, point})
      CHECK(path(tiles, g) == ConvPath::bfloat16_tiles);
    for (const Bfloat16Unit unit : {vectors, tiles}) CHECK(path(unit, lenet) == path(none, lenet));
#if HEBB_FLOAT64
    CHECK(choose_path<double>(ConvPolicy::fast, tiles, direction, wide) == ConvPath::im2col);
#endif
  }
}

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
