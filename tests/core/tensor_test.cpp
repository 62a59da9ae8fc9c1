#include "core/tensor.hpp"

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/ops/ops.hpp"
#include "tests/catch.hpp"

namespace hebb {
namespace {

Tensor counting(const Shape& shape) {
  const Tensor x = Tensor::empty(shape);
  float next = 0;
  for (float& value : x.host<float>()) value = next++;
  return x;
}

}  // namespace

TEST_CASE("tensors are made of values", "[core]") {
  CHECK(Tensor::full({2}, 1.5).to_vector<float>() == std::vector<float>{1.5f, 1.5f});
  CHECK(Tensor::ones({2}, {DType::int64}).to_vector<int64_t>() == std::vector<int64_t>{1, 1});
  CHECK(Tensor::zeros({1}, {DType::uint8}).to_vector<uint8_t>() == std::vector<uint8_t>{0});
  CHECK(Tensor::scalar(2.5, {DType::float64}).item() == 2.5);
  const Tensor x = Tensor::from(std::vector<double>{1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(x.dtype() == DType::float64);
  CHECK(x.rank() == 2);
  CHECK(x.size(-1) == 3);
  CHECK(x.bytes() == 48);
  CHECK(x.to_string() == "float64 [2, 3] on cpu");
  CHECK(x.host<double>()[4] == 5);
  CHECK(Tensor().to_string() == "undefined");
  CHECK(!Tensor().defined());
  CHECK(reinterpret_cast<uintptr_t>(x.data()) % 64 == 0);
  CHECK_THROWS_WITH(Tensor::from(std::vector<float>(5), {2, 3}),
                    "[tensor] expected 6 values for shape [2, 3], got 5");
  CHECK_THROWS_AS(Tensor::empty({int64_t(1) << 61, 2}), ShapeError);  // elements fit, bytes do not
}

TEST_CASE("host access checks type and place", "[core]") {
  const Tensor x = counting({2, 3});
  CHECK_THROWS_WITH(x.host<double>(),
                    "[tensor] expected elements of float64, got float32 [2, 3] on cpu");
  CHECK_THROWS_AS(x.to_vector<int64_t>(), DTypeError);
  CHECK_THROWS_WITH(x.item(), "[item] expected one element, got float32 [2, 3] on cpu");
  CHECK(x.slice(1, 2).reshape({3}).host<float>()[0] == 3);
}

TEST_CASE("views share storage, copies do not", "[core]") {
  const Tensor x = counting({4, 3});
  const Tensor view = x.reshape({2, -1});
  CHECK(view.shape() == Shape{2, 6});
  view.host<float>()[7] = 70;
  CHECK(x.host<float>()[7] == 70);
  const Tensor rows = x.slice(1, 3);
  CHECK(rows.shape() == Shape{2, 3});
  rows.fill(5);
  CHECK(x.to_vector<float>() == std::vector<float>{0, 1, 2, 5, 5, 5, 5, 5, 5, 9, 10, 11});
  CHECK(x.slice(2, 2).shape() == Shape{0, 3});
  const Tensor copy = x.clone();
  copy.fill(0);
  CHECK(x.host<float>()[3] == 5);
  CHECK(x.detach().data() == x.data());
  CHECK(!x.owns_storage());
  CHECK(copy.owns_storage());
}

TEST_CASE("reshape works out one extent", "[core]") {
  const Tensor x = counting({4, 3});
  CHECK(x.reshape({-1}).shape() == Shape{12});
  CHECK(x.reshape({2, -1, 3}).shape() == Shape{2, 2, 3});
  CHECK_THROWS_AS(x.reshape({5, -1}), ShapeError);
  CHECK_THROWS_AS(x.reshape({-1, -1}), ShapeError);
  CHECK_THROWS_AS(x.reshape({-2, -6}), ShapeError);
  CHECK_THROWS_AS(x.reshape({0, -1}), ShapeError);
  CHECK_THROWS_AS(x.reshape({int64_t(1) << 40, int64_t(1) << 40, -1}), ShapeError);
  CHECK_THROWS_AS(x.reshape({1, 1, 1, 1, 1, 1, 1, 1, -1}), ShapeError);
  CHECK(counting({1}).reshape(Shape{}).rank() == 0);
}

TEST_CASE("slice stays inside", "[core]") {
  const Tensor x = counting({4, 3});
  CHECK_THROWS_AS(x.slice(-1, 2), ShapeError);
  CHECK_THROWS_AS(x.slice(3, 2), ShapeError);
  CHECK_THROWS_AS(Tensor::scalar(1).slice(0, 1), ShapeError);
}

TEST_CASE("to converts and differentiates", "[core]") {
  Tensor x = Tensor::from(std::vector<float>{0.5f, -1.75f}, {2}).set_requires_grad();
  const Tensor y = x.to(DType::float64);
  CHECK(y.to_vector<double>() == std::vector<double>{0.5, -1.75});
  backward(y, Tensor::from(std::vector<double>{3, 4}, {2}));
  CHECK(x.grad().dtype() == DType::float32);
  CHECK(x.grad().to_vector<float>() == std::vector<float>{3, 4});
  CHECK(x.to(DType::float32).data() == x.data());
  CHECK(x.to(Device::cpu()).data() == x.data());
  CHECK(!x.to(DType::int64).requires_grad());
  CHECK(x.to(DType::int64).to_vector<int64_t>() == std::vector<int64_t>{0, -1});
  const Tensor bytes = Tensor::from(std::vector<uint8_t>{0, 128, 255}, {3});
  CHECK(bytes.to(DType::float32).to_vector<float>() == std::vector<float>{0, 128, 255});
}

TEST_CASE("to bfloat16 rounds, and its gradient comes back in the type of what it was", "[core]") {
  Tensor x = Tensor::from(std::vector<float>{0.5f, 1 + 1.0f / 512}, {2}).set_requires_grad();
  const Tensor y = x.to(DType::bfloat16);
  CHECK(y.dtype() == DType::bfloat16);
  CHECK(y.requires_grad());
  CHECK(y.to(DType::float32).to_vector<float>() == std::vector<float>{0.5f, 1});
  CHECK(y.slice(1, 2).item() == 1);
  const Tensor dy = Tensor::from(std::vector<float>{3, -0.25f}, {2});
  backward(y, dy.to(DType::bfloat16));
  CHECK(x.grad().to_vector<float>() == dy.to_vector<float>());
  CHECK_THROWS_AS(backward(x.to(DType::bfloat16), dy), DTypeError);
  Tensor narrow = Tensor::ones({2}, {DType::bfloat16}).set_requires_grad();
  backward(narrow.to(DType::float32), dy);
  CHECK(narrow.grad().dtype() == DType::bfloat16);
}

TEST_CASE("copy_from takes any type and refuses other shapes", "[core]") {
  const Tensor x = Tensor::zeros({2});
  x.copy_from(Tensor::from(std::vector<double>{1, 2}, {2}));
  CHECK(x.to_vector<float>() == std::vector<float>{1, 2});
  CHECK_THROWS_WITH(x.copy_from(Tensor::zeros({2, 1})),
                    "[copy_from] expected shape [2], got [2, 1]");
}

TEST_CASE("devices have names", "[core]") {
  CHECK(Device::parse("cpu") == Device::cpu());
  CHECK(Device::parse("cuda") == Device::cuda(0));
  CHECK(Device::parse("cuda:12") == Device::cuda(12));
  CHECK(Device::cuda(1).to_string() == "cuda:1");
  for (const char* wrong : {"", "gpu", "cuda:", "cuda:-1", "cuda:1x", "CPU", "cuda:99999999999"})
    CHECK_THROWS_AS(Device::parse(wrong), ValueError);
}

TEST_CASE("an absent device is an error, not a crash", "[core]") {
  const Device absent = Device::cuda(cuda_device_count());
  CHECK_THROWS_AS(Tensor::zeros({2}, {DType::float32, absent}), DeviceError);
  CHECK_THROWS_AS(Tensor::zeros({2}).to(absent), DeviceError);
}

}  // namespace hebb
