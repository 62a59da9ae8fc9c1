#include <cstring>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "gpu/cuda_backend.hpp"
#include "gpu/launch.hpp"
#include "layers/layers.hpp"
#include "optim/optim.hpp"
#include "regularizers/regularizers.hpp"
#include "tests/catch.hpp"
#include "tests/core/ops/table.hpp"
#include "tests/gpu/emulation/emulation.hpp"

namespace hebb::cuda {
namespace {

const Device device = Device::cuda();

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

/// All that a model has learnt after ten steps.
std::vector<float> ten_steps(const std::string& name, Device on, const std::string& regularizer) {
  std::unique_ptr<Module> model =
      make_model(name, {.input = {1, 28, 28}, .classes = 10, .generator = Generator(3)});
  model->to(on);
  Adam optimizer(model->parameters(), {.lr = 1e-3});
  const Regularizers regularizers =
      regularizer.empty() ? Regularizers() : make_regularizers({regularizer});
  Generator images(5), dropout(6);
  for (int step = 0; step < 10; ++step) {
    const Tensor x = Tensor::empty({4, 1, 28, 28});
    fill_uniform(x, 0, 1, images);
    const Tensor labels = Tensor::from(std::vector<int64_t>{step % 10, 3, 7, 1}, {4});
    train_step(*model, optimizer, regularizers, {x.to(on), labels.to(on)}, {.generator = &dropout},
               {.clip_norm = 1.0});
  }
  std::vector<float> values;
  for (const auto& parameter : model->parameters()) {
    const std::vector<float> more = parameter.tensor.to_vector<float>();
    values.insert(values.end(), more.begin(), more.end());
  }
  return values;
}

TEST_CASE("models learn the same on the CPU and on the GPU", "[gpu]") {
  for (const std::string name : {"mlp", "lenet5"})
    for (const std::string regularizer : {"", "bean:order=1,alpha=10", "bean:order=2,alpha=10"}) {
      INFO(name << ' ' << regularizer);
      const std::vector<float> cpu = ten_steps(name, {}, regularizer);
      const std::vector<float> gpu = ten_steps(name, device, regularizer);
      REQUIRE(cpu.size() == gpu.size());
      double largest = 0, error = 0;
      for (size_t i = 0; i < cpu.size(); ++i) {
        largest = std::max(largest, double(std::abs(cpu[i])));
        error = std::max(error, double(std::abs(cpu[i] - gpu[i])));
      }
      CHECK(error < 2e-3 * largest);  // Adam's first steps go by the gradients' signs
    }
}

TEST_CASE("operations do not depend on the order of threads, and stay in their tensors", "[gpu]") {
  const auto bytes = [](const test::OpCase& row, DType dtype) {
    std::vector<Tensor> x;
    for (size_t i = 0; i < row.operands.size(); ++i) {
      const test::Array values = test::fill(row.operands[i], 100 + i);
      const bool integers = row.operands[i].fill == test::Fill::integers;
      x.push_back(
          Tensor::from(values.values, values.shape).to(integers ? DType::int64 : dtype).to(device));
      if (!integers && row.operands[i].grad) x[i].set_requires_grad();
    }
    std::vector<double> result;
    const auto keep = [&](const Tensor& t) {
      const std::vector<double> values = t.detach().to(DType::float64).to_vector<double>();
      result.insert(result.end(), values.begin(), values.end());
    };
    const Tensor y = row.call(x);
    keep(y);
    if (y.requires_grad()) backward(y, Tensor::ones(y.shape(), y.options()));
    for (const Tensor& operand : x)
      if (operand.grad().defined()) keep(operand.grad());
    return result;
  };
  for (const test::OpCase& row : test::all_operations().rows)
    for (const DType dtype : {DType::float32, DType::float64}) {
      INFO(row.op << ": " << row.name);
      run_backwards = false;
      const std::vector<double> forwards = bytes(row, dtype);
      run_backwards = true;
      const std::vector<double> backwards = bytes(row, dtype);
      run_backwards = false;
      REQUIRE(forwards.size() == backwards.size());
      CHECK((forwards.empty() || std::memcmp(forwards.data(), backwards.data(),
                                             forwards.size() * sizeof(double)) == 0));
      CHECK(emulation.broken_guards == 0);
    }
}

TEST_CASE("random numbers are the CPU's", "[gpu]") {
  for (const int64_t n : {1, 2, 5, 1000}) {
    const auto both = [&](auto fill, double tolerance) {
      const Tensor here = Tensor::empty({n}), there = Tensor::empty({n}, {.device = device});
      Generator a(7), b(7);
      fill(here, a);
      fill(there, b);
      const std::vector<float> x = here.to_vector<float>(), y = there.to_vector<float>();
      for (size_t i = 0; i < x.size(); ++i) CHECK(std::abs(x[i] - y[i]) <= tolerance);
    };
    both([](const Tensor& x, Generator& g) { fill_uniform(x, -1, 2, g); }, 3e-7);
    both([](const Tensor& x, Generator& g) { fill_normal(x, 1, 2, g); }, 1e-6);
    both([](const Tensor& x, Generator& g) { fill_truncated_normal(x, 0.5, 2, g); }, 1e-6);
    both([](const Tensor& x,
            Generator& g) { x.copy_from(dropout(Tensor::ones(x.shape(), x.options()), 0.3, g)); },
         0);
  }
}

TEST_CASE("labels and indices out of range are told at the next synchronisation", "[gpu]") {
  const auto on_device = [](const std::vector<int64_t>& values) {
    return test::labels(values).to(device);
  };
  const Tensor logits = Tensor::ones({3, 4}, {.device = device});
  const Tensor loss = cross_entropy(logits, on_device({3, 4, -1}));
  CHECK(message_of([&] { loss.item(); }) ==
        "[cross_entropy] expected labels in [0, 4), got 4 at row 1");
  CHECK(std::isfinite(loss.item()));  // told once
  const Tensor rows = gather_rows(logits, on_device({0, -4}));
  CHECK(message_of([] { backend_for(device).synchronize(); }) ==
        "[gather_rows] expected indices in [-3, 3), got -4 at 1");
  const Tensor elements = gather(logits, 1, on_device({4, 0, 0}).reshape({3, 1}));
  CHECK(message_of([&] { elements.to_vector<float>(); }) ==
        "[gather] expected indices in [-4, 4), got 4 at 0");
}

TEST_CASE("out of memory is an error that training survives", "[gpu]") {
  auto& memory = static_cast<CudaBackend&>(backend_for(device)).memory();
  const size_t before = memory.stats().lent;
  emulation.memory_left = false;
  memory.trim();
  CHECK_THAT(
      message_of([] { Tensor::ones({1 << 20}, {.device = device}); }),
      ContainsSubstring("[cuda] out of memory: asked for 4194304 bytes, while tensors hold"));
  emulation.memory_left = true;
  CHECK(memory.stats().lent == before);
  CHECK(Tensor::ones({1 << 20}, {.device = device}).to_vector<float>()[77] == 1);
}

TEST_CASE("every pair of element types converts as on the CPU", "[gpu]") {
  const Tensor x = Tensor::from(
      std::vector<double>{0, -0.5, 1.5, 300, -300, 1e10, -1e30, 1e300, 0.1, std::nan("")}, {10});
  const DType types[] = {DType::float32, DType::float64, DType::int64,
                         DType::int32,   DType::uint8,   DType::bfloat16};
  for (const DType from : types)
    for (const DType to : types) {
      const Tensor here = x.to(from).to(to).to(DType::float64);
      const Tensor there = x.to(from).to(device).to(to).to(DType::float64).to(Device::cpu());
      CHECK(std::memcmp(here.data(), there.data(), here.bytes()) == 0);
    }
  for (const DType type : types)
    CHECK(Tensor::full({3}, 7, {type, device}).to(DType::float64).to_vector<double>() ==
          std::vector<double>{7, 7, 7});
}

}  // namespace
}  // namespace hebb::cuda
