// Images with channels side by side: what the backend computes of them is what it computes of the
// same images by rows.
#include <cmath>

#include "gpu/cuda_backend.hpp"
#include "gpu/launch.hpp"
#include "tests/catch.hpp"
#include "tests/gpu/emulation/emulation.hpp"

namespace hebb::cuda {
namespace {

constexpr Layout by_rows = Layout::row_major, last = Layout::channels_last;
const Device device = Device::cuda();

Backend& backend() { return cuda_backend(0); }

/// No two neighbours alike, exact in bfloat16; the smallest at a place of its own.
Tensor images(const Shape& shape, int64_t salt = 0, DType dtype = DType::bfloat16) {
  std::vector<double> values(static_cast<size_t>(shape.numel()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = double((int64_t(i) * 37 + salt * 53) % 101 - 50) / 32;
  return Tensor::from(values, shape).to(dtype).to(device);
}

Tensor parameter(const Shape& shape, int64_t salt) { return images(shape, salt, DType::float32); }

std::vector<double> values_of(const Tensor& x) { return x.to(DType::float64).to_vector<double>(); }

/// f in both orders of threads.
template <class F>
void both_orders(F&& f) {
  for (const bool backwards : {false, true}) {
    run_backwards = backwards;
    f();
  }
  run_backwards = false;
  CHECK(emulation.broken_guards == 0);
}

/// `got` is `expected`, and lies as `layout` says.
void check_same(const Tensor& got, const Tensor& expected, Layout layout) {
  CHECK(got.layout() == layout);
  CHECK(got.dtype() == expected.dtype());
  CHECK(got.shape() == expected.shape());
  CHECK(values_of(got) == values_of(expected));
}

void check_near(const Tensor& got, const Tensor& expected, double tolerance) {
  REQUIRE(got.shape() == expected.shape());
  const std::vector<double> a = values_of(got), b = values_of(expected);
  for (size_t i = 0; i < a.size(); ++i)
    if (!(std::abs(a[i] - b[i]) <= tolerance * (1 + std::abs(b[i]))))
      FAIL_CHECK("at " << i << ": " << a[i] << ", expected " << b[i]);
}

TEST_CASE("images change their layout and back", "[gpu]") {
  both_orders([] {
    for (const Shape& shape : {Shape{2, 3, 5, 7}, Shape{1, 65, 9, 9}, Shape{2, 64, 8, 16},
                               Shape{1, 130, 129, 1}, Shape{2, 3, 4, 5, 6}})
      for (const DType dtype : {DType::bfloat16, DType::int32}) {
        const Tensor x = images(shape, 0, dtype), y = backend().with_layout(x, last);
        REQUIRE(y.layout() == last);
        CHECK(y.shape() == shape);
        const int64_t channels = shape[-3], positions = shape[-2] * shape[-1];
        const auto word = [&](const Tensor& of, int64_t i) {
          return dtype == DType::int32 ? data_of<int32_t>(of)[i]
                                       : int32_t(data_of<BFloat16>(of)[i].bits);
        };
        int64_t wrong = 0;
        for (int64_t i = 0; i < x.numel(); ++i) {
          const int64_t image = i / (channels * positions), channel = i / positions % channels;
          wrong += word(x, i) != word(y, (image * positions + i % positions) * channels + channel);
        }
        CHECK(wrong == 0);
        check_same(backend().with_layout(y, by_rows), x, by_rows);
        CHECK(values_of(y) == values_of(x));
      }
  });
}

TEST_CASE("where both layouts are the same memory, nothing moves", "[gpu]") {
  for (const Shape& shape : {Shape{4, 3, 1, 1}, Shape{4, 1, 3, 5}, Shape{0, 3, 2, 2},
                             Shape{2, 0, 2, 2}, Shape{2, 4, 3, 1, 1}}) {
    const Tensor x = images(shape), y = backend().with_layout(x, last);
    CHECK(y.layout() == last);
    CHECK(y.data() == x.data());
    const Tensor back = backend().with_layout(y, by_rows);
    CHECK(back.layout() == by_rows);
    CHECK(back.data() == x.data());
    CHECK(backend().with_layout(x, by_rows).body() == x.body());
  }
}

TEST_CASE("elementwise operations keep a layout", "[gpu]") {
  both_orders([] {
    for (const Shape& shape : {Shape{2, 3, 5, 7}, Shape{2, 3, 4, 5, 2}}) {
      const Tensor a = images(shape), b = images(shape, 1);
      const Tensor a_last = a.with_layout(last), b_last = b.with_layout(last);
      for (const Unary op : {Unary::relu, Unary::tanh, Unary::neg}) {
        check_same(backend().unary(op, a_last), backend().unary(op, a), last);
        const Tensor expected = backend().unary_backward(op, a, b);
        check_same(backend().unary_backward(op, a_last, b_last), expected, last);
        check_same(backend().unary_backward(op, a_last, b), expected, last);
        check_same(backend().unary_backward(op, a, b_last), expected, by_rows);
      }
      check_same(backend().affine(a_last, 3, -1), backend().affine(a, 3, -1), last);
      const Tensor sum = backend().binary(Binary::add, a, b, shape);
      check_same(backend().binary(Binary::add, a_last, b_last, shape), sum, last);
      check_same(backend().binary(Binary::add, a_last, b, shape), sum, last);
      check_same(backend().binary(Binary::add, a, b_last, shape), sum, by_rows);
      const Tensor of_channels = images(Shape{3, 1, 1}, 2);
      if (shape.rank() == 4)
        check_same(backend().binary(Binary::add, a_last, of_channels, shape),
                   backend().binary(Binary::add, a, of_channels, shape), by_rows);
      const Tensor one_image = images(shape.with(0, 1), 3);
      check_same(backend().binary(Binary::add, one_image.with_layout(last), a_last, shape),
                 backend().binary(Binary::add, one_image, a, shape), by_rows);

      const Tensor expected = a.clone();
      backend().add_scaled(expected, b, 0.5);
      for (const Layout of_y : {by_rows, last})
        for (const Layout of_x : {by_rows, last}) {
          const Tensor y = a.with_layout(of_y).clone();
          backend().add_scaled(y, b.with_layout(of_x), 0.5);
          check_same(y, expected, of_y);
        }

      Generator random(5);
      const Backend::DropoutMask mask{0.5, random.reserve(a.numel())};
      check_same(backend().dropout(a_last, {&mask, 1}), backend().dropout(a, {&mask, 1}), by_rows);
    }
  });
}

TEST_CASE("sums read a layout as it lies, or by rows", "[gpu]") {
  both_orders([] {
    for (const Shape& shape : {Shape{2, 3, 5, 7}, Shape{2, 3, 4, 5, 2}}) {
      const Tensor x = images(shape), x_last = x.with_layout(last);
      for (uint32_t axes = 0; axes < 1u << shape.rank(); ++axes)
        for (const Reduce op : {Reduce::sum, Reduce::mean}) {
          const Shape result = reduced_to_ones(shape, axes);
          const Tensor y = backend().reduce(op, x_last, result, axes);
          CHECK(y.dtype() == DType::float32);
          CHECK(y.layout() == by_rows);
          // Sums of these numbers are exact: only a mean is rounded.
          CHECK(values_of(y) == values_of(backend().reduce(op, x, result, axes)));
        }
      const Shape channels = shape.with(0, 1).with(-2, 1).with(-1, 1);
      for (const Shape& to : {channels, shape.with(-3, 1), shape.with(0, 1), shape})
        check_same(backend().sum_to(x_last, to).row_major(), backend().sum_to(x, to), by_rows);
    }
  });
}

TEST_CASE("pooling reads and writes a layout", "[gpu]") {
  const Pool2dOptions overlapping{
      .kernel_h = 3, .kernel_w = 2, .stride_h = 2, .stride_w = 1, .pad_h = 1, .pad_w = 1};
  Pool2dOptions uneven = overlapping;
  uneven.count_include_pad = false;
  uneven.dilation_h = 2;
  both_orders([&] {
    for (const Pool2dOptions& options : {Pool2dOptions{}, overlapping, uneven}) {
      const Tensor x = images({2, 5, 8, 9}), x_last = x.with_layout(last);
      const int64_t height =
          (8 + 2 * options.pad_h - options.dilation_h * (options.kernel_h - 1) - 1) /
              options.stride_h +
          1;
      const int64_t width = (9 + 2 * options.pad_w - options.kernel_w) / options.stride_w + 1;
      const Shape pooled = {2, 5, height, width};
      const auto expected = backend().max_pool2d(x, pooled, options);
      const auto got = backend().max_pool2d(x_last, pooled, options);
      check_same(got.values, expected.values, last);
      CHECK(backend().cast(got.indices, DType::int64).to_vector<int64_t>() ==
            backend().cast(expected.indices, DType::int64).to_vector<int64_t>());
      const Tensor dy = images(pooled, 4);
      const Tensor dx = backend().max_pool2d_backward(dy, expected.indices, x.shape(), options);
      for (const Layout layout : {by_rows, last})
        check_same(
            backend().max_pool2d_backward(dy.with_layout(layout), got.indices, x.shape(), options),
            dx, last);
      check_same(backend().avg_pool2d(x_last, pooled, options),
                 backend().avg_pool2d(x, pooled, options), last);
      check_same(backend().avg_pool2d_backward(dy.with_layout(last), x.shape(), options),
                 backend().avg_pool2d_backward(dy, x.shape(), options), last);
    }
  });
}

/// In float64 on the CPU.
Tensor exact(const Tensor& x) { return x.defined() ? x.to(DType::float64).to(Device::cpu()) : x; }

TEST_CASE("batch normalisation goes by rows where channels lie side by side", "[gpu]") {
  // More channels than a block takes, and more rows; fewer of both; no whole number of blocks.
  for (const Shape& shape : {Shape{7, 40, 30, 9}, Shape{2, 3, 2, 2}, Shape{1500, 33, 1, 1}})
    for (const DType dtype : {DType::bfloat16, DType::float32})
      for (const int kind : {0, 1, 2, 3}) {
        if (dtype == DType::float32 && shape[2] > 1) continue;
        BatchNormOptions options{.training = kind != 3, .relu = kind % 2 == 1};
        const Tensor x = images(shape, 0, dtype), dy = images(shape, 9, dtype);
        const Tensor residual = kind >= 2 ? images(shape, 5, dtype) : Tensor();
        const Shape channels{shape[1]};
        const Tensor weight = kind ? parameter(channels, 1) : Tensor();
        const Tensor bias = kind ? parameter(channels, 2) : Tensor();
        const Tensor start = parameter(channels, 3);
        const Tensor mean = backend().unary(Unary::square, start), variance = mean.clone();
        const Tensor exact_mean = exact(mean), exact_variance = exact(variance);
        const auto expected =
            cpu::backend().batch_norm(exact(x), exact(weight), exact(bias), exact(residual),
                                      exact_mean, exact_variance, options);
        const bool narrow = dtype == DType::bfloat16;
        const double tolerance = narrow ? 1.0 / 256 : 1e-5;
        const Layout layout = narrow ? last : by_rows;
        both_orders([&] {
          const Tensor running_mean = mean.clone(), running_variance = variance.clone();
          const auto got = backend().batch_norm(x.with_layout(layout), weight, bias, residual,
                                                running_mean, running_variance, options);
          CHECK(got.y.layout() == layout);
          CHECK(got.y.dtype() == dtype);
          check_near(got.y, expected.y, tolerance);
          check_near(running_mean, exact_mean, 1e-6);
          check_near(running_variance, exact_variance, 1e-6);
          const auto [dx, dweight, dbias, dresidual] =
              backend().batch_norm_backward(dy, got.saved, residual.defined(), options);
          CHECK(dx.layout() == layout);
          CHECK(dweight.dtype() == DType::float32);
          // Which outputs a ReLU lets through is seen in what was rounded.
          const auto exact_grads = cpu::backend().batch_norm_backward(
              exact(dy),
              {exact(x), exact(weight), expected.saved[2], options.relu ? exact(got.y) : Tensor()},
              residual.defined(), options);
          check_near(dx, exact_grads.dx, 2 * tolerance);
          check_near(dweight, exact_grads.dweight, 1e-5);
          check_near(dbias, exact_grads.dbias, 1e-6);
          if (residual.defined()) check_near(dresidual, exact_grads.dresidual, 0);
        });
      }
}

TEST_CASE("batch normalisation of rows is the same at any address", "[gpu]") {
  const Shape shape{300, 8, 1, 1};
  for (const DType dtype : {DType::bfloat16, DType::float32, DType::float64}) {
    const Tensor all = images({shape.numel() + 1}, 0, dtype), x = all.view(shape, 1);
    const BatchNormOptions options{.relu = true};
    const auto got = backend().batch_norm(x, {}, {}, x, {}, {}, options);
    const auto expected = backend().batch_norm(x.clone(), {}, {}, x.clone(), {}, {}, options);
    CHECK(values_of(got.y) == values_of(expected.y));
    CHECK(values_of(got.saved[2]) == values_of(expected.saved[2]));
    const auto grads = backend().batch_norm_backward(x, got.saved, true, options);
    const auto same = backend().batch_norm_backward(x.clone(), expected.saved, true, options);
    CHECK(values_of(grads.dx) == values_of(same.dx));
    CHECK(values_of(grads.dweight) == values_of(same.dweight));
    CHECK(values_of(grads.dresidual) == values_of(same.dresidual));
  }
}

TEST_CASE("what moves elements goes by rows", "[gpu]") {
  both_orders([] {
    const Tensor x = images({2, 3, 5, 7}), x_last = x.with_layout(last);
    const Tensor parts[] = {x_last, x, x_last};
    const Tensor rows[] = {x, x, x};
    for (int axis = 0; axis < 4; ++axis) {
      const Shape three = x.shape().with(axis, 3 * x.size(axis));
      check_same(backend().concat(parts, three, axis), backend().concat(rows, three, axis),
                 by_rows);
      const Shape one = x.shape().with(axis, 1);
      check_same(backend().narrow(x_last, one, axis, 1), backend().narrow(x, one, axis, 1),
                 by_rows);
    }
    const int axes[] = {3, 1, 0, 2};
    check_same(backend().permute(x_last, {7, 3, 2, 5}, axes),
               backend().permute(x, {7, 3, 2, 5}, axes), by_rows);
    check_same(backend().cast(x_last, DType::float32), backend().cast(x, DType::float32), by_rows);
    check_same(x_last.reshape({6, 35}), x.reshape({6, 35}), by_rows);
    check_same(x_last.slice(1, 2), x.slice(1, 2), by_rows);
    check_same(x_last.clone(), x, last);
    check_same(x_last.to(Device::cpu()), x.to(Device::cpu()), by_rows);
    for (const Layout layout : {by_rows, last})
      for (const Device from : {device, Device::cpu()}) {
        const Tensor y = Tensor::empty(x.shape(), x.options(), layout);
        y.copy_from(x_last.to(from));
        check_same(y, x, layout);
        y.fill(0);
        y.copy_from(x.to(DType::float32).to(from));
        check_same(y, x, layout);
      }
  });
}

}  // namespace
}  // namespace hebb::cuda
