// Tensors of more than 2³¹ elements, without their memory: kernels run at both ends of addresses
// that are reserved and nowhere else written to.
#include <sys/mman.h>

#include <cmath>
#include <set>

#include "core/loop_nest.hpp"
#include "core/random_fill.hpp"
#include "core/shape.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"
#include "tests/catch.hpp"

namespace hebb::cuda {
namespace {

constexpr int64_t many = (int64_t(1) << 31) + 3;
constexpr int64_t rows = 65537, columns = 32769;  // more than 2³¹ together
constexpr int64_t last = rows * columns - 1;
static_assert(last > many);

/// Zeros, which take memory once they are written to.
template <class T>
class Reserved {
 public:
  explicit Reserved(int64_t n) : bytes_(size_t(n) * sizeof(T)) {
    void* at = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(at != MAP_FAILED);
    data_ = static_cast<T*>(at);
  }
  ~Reserved() { munmap(data_, bytes_); }
  Reserved(const Reserved&) = delete;
  Reserved& operator=(const Reserved&) = delete;

  T& operator[](int64_t i) { return data_[i]; }
  T* data() { return data_; }

 private:
  size_t bytes_;
  T* data_ = nullptr;
};

/// While it lives, kernels run at their ends only.
struct AtEnds {
  AtEnds() { run_ends = 8; }
  ~AtEnds() { run_ends = 0; }
};

TEST_CASE("a grid's threads do every element once", "[gpu]") {
  for (const int64_t n :
       {int64_t(1), int64_t(255), int64_t(256), int64_t(257), int64_t(1) << 24, many - 4, many - 3,
        many, (int64_t(1) << 33) + 7, (int64_t(1) << 42) + 1}) {
    INFO(n);
    const unsigned blocks = grid(blocks_for(n));
    const int64_t step = step_of(blocks);
    CHECK(blocks >= 1);
    CHECK(blocks <= 1u << 16);
    // First elements are all different and lie below the step: no element has two threads.
    CHECK(first_of(0, 0) == 0);
    CHECK(first_of(blocks - 1, block_threads - 1) == step - 1);
    int64_t done = 0;
    for (unsigned block = 0; block < blocks; ++block)
      for (const unsigned thread : {0u, unsigned(block_threads - 1)}) {
        const int64_t first = first_of(block, thread);
        REQUIRE(first == int64_t(block) * block_threads + thread);
      }
    // Elements i, i + step, ... of thread i.
    for (int64_t first = 0; first < step && first < n; ++first) done += (n - 1 - first) / step + 1;
    CHECK(done == n);
  }
}

TEST_CASE("element by element beyond 2^31", "[gpu]") {
  const AtEnds ends;
  Reserved<float> x(many), y(many);
  x[many - 1] = -2;
  unary(Stream{}, Unary::neg, many, x.data(), y.data());
  CHECK(y[many - 1] == 2);
  affine(Stream{}, many, 3, 1, x.data(), y.data());
  CHECK(y[many - 1] == -5);
  CHECK(y[many - 2] == 1);
  add_scaled(Stream{}, many, 0.5, x.data(), y.data());
  CHECK(y[many - 1] == -6);
  Reserved<uint8_t> bytes(many);
  x[many - 1] = 7;
  cast(Stream{}, many, DType::float32, x.data(), DType::uint8, bytes.data());
  CHECK(bytes[many - 1] == 7);
  CHECK(bytes[many - 2] == 0);
  fill(Stream{}, many, 1, 9, bytes.data());
  CHECK(bytes[many - 1] == 9);
  CHECK(bytes[0] == 9);
}

TEST_CASE("broadcasts and permutations beyond 2^31", "[gpu]") {
  const AtEnds ends;
  Reserved<float> y(last + 1), x(last + 1), a(rows), b(columns);
  a[rows - 1] = 3;
  b[columns - 1] = 4;
  const Shape shape = {rows, columns};
  binary(Stream{}, Binary::add, broadcast_loop(shape, {rows, 1}, {1, columns}), a.data(), b.data(),
         y.data());
  CHECK(y[last] == 7);
  CHECK(y[last - 1] == 3);
  x[last] = 1;
  x[last - columns] = 2;  // the row above
  const int axes[] = {1, 0};
  permute(Stream{}, permute_loop(shape, axes), last + 1, x.data(), y.data());
  CHECK(y[last] == 1);
  CHECK(y[last - 1] == 2);
  copy_runs(Stream{}, rows, columns * 4, y.data(), columns * 4, x.data(), columns * 4);
  CHECK(y[last] == 1);
  CHECK(y[last - 1] == 0);
  Reserved<int64_t> index(rows);
  index[rows - 1] = -1;
  gather_rows(Stream{}, rows, rows, columns, x.data(), index.data(), y.data());
  CHECK(y[last] == 1);
  index[rows - 1] = columns - 1;
  gather(Stream{}, gather_loop(shape, {rows, 1}, 1), x.data(), index.data(), a.data());
  CHECK(a[rows - 1] == 1);
}

TEST_CASE("channels side by side beyond 2^31", "[gpu]") {
  const AtEnds ends;
  constexpr int64_t matrices = (int64_t(1) << 29) + 1, channels = 2;
  Reserved<uint16_t> x(4 * matrices), y(4 * matrices);
  x[4 * matrices - 3] = 7;
  transpose(Stream{}, matrices, 2, 2, x.data(), y.data());
  CHECK(y[4 * matrices - 2] == 7);
  const PoolGeometry halves = {.planes = matrices,
                               .height = 2,
                               .width = 1,
                               .kernel_h = 2,
                               .kernel_w = 1,
                               .stride_h = 2,
                               .stride_w = 1,
                               .pad_h = 0,
                               .pad_w = 0,
                               .dilation_h = 1,
                               .dilation_w = 1,
                               .count_include_pad = true,
                               .out_h = 1,
                               .out_w = 1};
  Reserved<float> images(4 * matrices), pooled(2 * matrices);
  Reserved<int32_t> argmax(2 * matrices);
  images[4 * matrices - 1] = 5;
  max_pool2d(Stream{}, halves, channels, images.data(), pooled.data(), argmax.data());
  CHECK(pooled[2 * matrices - 1] == 5);
  CHECK(argmax[2 * matrices - 1] == 1);
  avg_pool2d(Stream{}, halves, channels, images.data(), pooled.data());
  CHECK(pooled[2 * matrices - 1] == 2.5f);
  max_pool2d_backward(Stream{}, halves, channels, pooled.data(), argmax.data(), images.data());
  CHECK(images[4 * matrices - 1] == 2.5f);
  CHECK(images[4 * matrices - 3] == 0);
}

TEST_CASE("random numbers beyond 2^31", "[gpu]") {
  const AtEnds ends;
  Reserved<float> x(many), ones(many);
  Generator random(7);
  const RandomKey key = random.reserve(many);
  uniform(Stream{}, many, -1, 2, key, x.data());
  const Philox::Block words = key.block(uint64_t(many - 1) / 4);
  CHECK(x[many - 1] == float(uniform_number(words[size_t(many - 1) % 4], -1, 2)));
  for (int64_t i = many - 20; i < many; ++i) ones[i] = 1;
  MaskList masks;
  masks.add(0.5, key);
  dropout(Stream{}, many, masks, ones.data(), x.data());
  std::set<float> kinds;
  for (int64_t i = many - 20; i < many; ++i) kinds.insert(x[i]);
  CHECK(kinds == std::set<float>{0, 2});
}

TEST_CASE("rows, planes and pieces beyond 2^31", "[gpu]") {
  const AtEnds ends;
  constexpr int64_t pairs = (int64_t(1) << 30) + 2, planes = (int64_t(1) << 29) + 1;
  Reserved<float> x(2 * pairs), y(2 * pairs);
  x[2 * pairs - 1] = 5;
  Reserved<int64_t> at(pairs);
  max(Stream{}, pairs, 2, 1, false, x.data(), y.data(), at.data());
  CHECK(y[pairs - 1] == 5);
  CHECK(at[pairs - 1] == 1);
  softmax(Stream{}, true, pairs, 2, x.data(), y.data());
  CHECK(y[2 * pairs - 1] == Approx(std::log(1 / (1 + std::exp(-5.0)))));
  CHECK(y[2 * pairs - 3] == Approx(std::log(0.5)));
  const float bias[] = {1, 2};
  y[2 * pairs - 1] = 10;
  add_bias(Stream{}, {.outer = pairs, .channels = 2}, bias, y.data());
  CHECK(y[2 * pairs - 1] == 12);

  const PoolGeometry pool = {.planes = planes,
                             .height = 2,
                             .width = 2,
                             .kernel_h = 2,
                             .kernel_w = 2,
                             .stride_h = 2,
                             .stride_w = 2,
                             .pad_h = 0,
                             .pad_w = 0,
                             .dilation_h = 1,
                             .dilation_w = 1,
                             .count_include_pad = true,
                             .out_h = 1,
                             .out_w = 1};
  Reserved<float> images(4 * planes);
  images[4 * planes - 2] = 8;
  Reserved<int32_t> argmax(planes);
  max_pool2d(Stream{}, pool, 1, images.data(), y.data(), argmax.data());
  CHECK(y[planes - 1] == 8);
  max_pool2d_backward(Stream{}, pool, 1, y.data(), argmax.data(), x.data());
  CHECK(x[4 * planes - 2] == 8);
  CHECK(x[4 * planes - 1] == 0);
  avg_pool2d(Stream{}, pool, 1, images.data(), y.data());
  CHECK(y[planes - 1] == 2);
  const ConvGeometry conv = {.batch = planes,
                             .channels = 1,
                             .height = 2,
                             .width = 2,
                             .filters = 1,
                             .kernel_h = 1,
                             .kernel_w = 1,
                             .out_h = 2,
                             .out_w = 2};
  const float weight[] = {3};
  conv2d(Stream{}, conv, images.data(), weight, x.data());
  CHECK(x[4 * planes - 2] == 24);
  conv2d_backward_input(Stream{}, conv, images.data(), weight, x.data());
  CHECK(x[4 * planes - 2] == 24);
  REQUIRE(conv2d_is_direct<float>(ConvDirection::backward_weight, conv));
  x[4 * planes - 2] = 0;
  conv2d_direct<float>(Stream{}, 1, conv, images.data(), weight, bias, x.data());
  CHECK(x[4 * planes - 2] == 25);
  conv2d_direct_backward_input<float>(Stream{}, 1, conv, {images.data()}, weight, x.data());
  CHECK(x[4 * planes - 2] == 24);
  Reserved<double> pieces(conv2d_direct_scratch<float>(conv));
  float dweight[1], dbias[1];
  conv2d_direct_backward_weight<float>(Stream{}, 1, conv, images.data(), {x.data()}, pieces.data(),
                                       dweight, dbias);
  CHECK(dweight[0] == 8 * 24);
  CHECK(dbias[0] == 24);
  REQUIRE(conv2d_direct_pools<float>(conv));
  conv2d_direct_max_pool<float>(Stream{}, 1, conv, pool, true, images.data(), weight, bias,
                                y.data(), argmax.data());
  CHECK(y[planes - 1] == 25);
  CHECK(argmax[planes - 1] == 2);
  x[4 * planes - 2] = 0;
  conv2d_direct_backward_input<float>(
      Stream{}, 1, conv, {y.data(), argmax.data(), y.data(), 2, 2, 1, 1}, weight, x.data());
  CHECK(x[4 * planes - 2] == 75);

  TensorList<float> tensors;
  tensors.add(images.data(), 4 * planes);
  Reserved<double> sums(tensors.pieces());
  sum_squares(Stream{}, tensors, sums.data());
  CHECK(sums[tensors.pieces() - 1] == 64);
  const double half = 0.5;
  scale_all(Stream{}, tensors, &half);
  CHECK(images[4 * planes - 2] == 4);
}

}  // namespace
}  // namespace hebb::cuda
