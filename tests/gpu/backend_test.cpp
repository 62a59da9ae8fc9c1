#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <set>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/precision.hpp"
#include "data/synthetic.hpp"
#include "gpu/cuda_backend.hpp"
#include "gpu/launch.hpp"
#include "layers/layers.hpp"
#include "optim/optim.hpp"
#include "optim/recorded_steps.hpp"
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

TEST_CASE("optimisers step all parameters as on the CPU", "[gpu]") {
  // More than a launch writes of their table, some without a gradient, one larger than a block's
  // share, one empty; the learning rate changes, the norm is clipped at some steps.
  const auto trained = [](const char* name, Device on) {
    std::vector<NamedTensor> parameters;
    for (int64_t i = 0; i < 70; ++i)
      parameters.push_back(
          {"p" + std::to_string(i),
           Tensor::full({i == 7 ? 5000 : i % 9}, 0.1 * double(i), {.device = on})});
    const std::unique_ptr<Optimizer> optimizer = make_optimizer(
        name, parameters, 0.1, {{.pattern = "p1*", .lr_scale = 0.5, .weight_decay_scale = 2}});
    Generator random(3);
    for (int step = 0; step < 6; ++step) {
      optimizer->set_lr(0.1 / (1 + step / 2));
      for (size_t i = 0; i < parameters.size(); ++i) {
        if ((int(i) + step) % 5 == 0) continue;
        const Tensor grad = Tensor::empty(parameters[i].tensor.shape());
        fill_normal(grad, 0, 1, random);
        parameters[i].tensor.set_grad(grad.to(on));
      }
      optimizer->step(step % 3 == 1 ? 2.0 : 0.0);
      optimizer->zero_grad();
    }
    std::vector<double> values;
    for (const auto& [key, tensor] : optimizer->state())
      for (const double x : tensor.to(DType::float64).to_vector<double>()) values.push_back(x);
    for (const NamedTensor& parameter : parameters)
      for (const float x : parameter.tensor.to_vector<float>()) values.push_back(double(x));
    return values;
  };
  for (const char* name : {"sgd", "sgd:momentum=0.9,dampening=0.2,weight-decay=0.1",
                           "adam:weight-decay=0.1", "adamw", "nadam:weight-decay=0.1"}) {
    INFO(name);
    const std::vector<double> cpu = trained(name, {});
    for (const bool backwards : {false, true}) {
      run_backwards = backwards;
      const std::vector<double> gpu = trained(name, device);
      run_backwards = false;
      REQUIRE(cpu.size() == gpu.size());
      for (size_t i = 0; i < cpu.size(); ++i)
        if (!(std::abs(cpu[i] - gpu[i]) <= 1e-5 * (1 + std::abs(cpu[i])))) FAIL_CHECK(i);
    }
  }
  CHECK(emulation.broken_guards == 0);
}

TEST_CASE("the table of parameters is written only when it changes", "[gpu]") {
  const Tensor a = Tensor::ones({3}, {.device = device}), b = Tensor::ones({3}, {.device = device});
  Sgd first({{"a", a}}, {.lr = 1}), second({{"b", b}}, {.lr = 1});
  a.set_grad(Tensor::ones({3}, {.device = device}));
  b.set_grad(Tensor::full({3}, 2, {.device = device}));
  const auto launches = [](Optimizer& optimizer) {
    const long before = emulation.launches;
    optimizer.step();
    return emulation.launches - before;
  };
  CHECK(launches(first) == 3);
  CHECK(launches(first) == 2);
  CHECK(launches(second) == 3);
  CHECK(launches(first) == 3);
  CHECK(a.to_vector<float>() == std::vector<float>(3, -2));
  CHECK(b.to_vector<float>() == std::vector<float>(3, -1));
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

TEST_CASE("the first label out of range stays until it is told", "[gpu]") {
  const Tensor logits = Tensor::ones({600, 4}, {.device = device});
  std::vector<int64_t> values(600, 1);
  values[300] = std::numeric_limits<int64_t>::min();
  values[299] = std::numeric_limits<int64_t>::max();
  const Tensor bad = test::labels(values).to(device);
  for (const bool backwards : {false, true}) {
    run_backwards = backwards;
    const Tensor first = cross_entropy(logits, bad);
    const Tensor rows = gather_rows(logits, bad);  // wrong too, and later
    const Tensor fine = cross_entropy(logits, Tensor::full({600}, 3, bad.options()));
    run_backwards = false;
    // Whatever is read first tells it; what was computed after it is right.
    CHECK(message_of([&] { fine.item(); }) ==
          "[cross_entropy] expected labels in [0, 4), got 9223372036854775807 at row 299");
    CHECK(fine.item() == Approx(std::log(4.0)));
    CHECK(message_of([] { backend_for(device).synchronize(); }) == "nothing was thrown");
  }
}

TEST_CASE("a trainer on a GPU tells of a label out of range", "[gpu]") {
  std::vector<uint8_t> pixels(12 * 4, 100);
  Dataset data{Tensor::from(pixels, {12, 1, 2, 2}),
               test::labels({0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2}), 3, "small", ""};
  Sequential model = mlp({4, 2});  // two classes
  model.to(device);
  Sgd sgd(model.parameters());
  Trainer trainer(model, sgd, {}, {.epochs = 1, .batch_size = 12});
  CHECK_THAT(message_of([&] { trainer.fit({.train = &data}); }),
             ContainsSubstring("[cross_entropy] expected labels in [0, 2), got 2 at row "));
}

TEST_CASE("a trainer's steps do not wait for the GPU, and copy no batches", "[gpu]") {
  const auto fit = [](int64_t samples) {
    const Dataset data = digits({.samples = samples});
    Sequential model = lenet5({.dropout = 0.3, .generator = Generator(1)});
    model.to(device);
    const std::unique_ptr<Optimizer> optimizer =
        make_optimizer("adamw:decay-on=weights", model.parameters(), 1e-3);
    Trainer trainer(model, *optimizer, make_regularizers({"bean:order=1", "l1:lambda=1e-5"}),
                    {.epochs = 1,
                     .batch_size = 2,
                     .schedule = Schedule::parse("cosine"),
                     .label_smoothing = 0.1,
                     .clip_norm = 1});
    const long before = emulation.waits + emulation.copies;
    trainer.fit({.train = &data});
    return emulation.waits + emulation.copies - before;
  };
  CHECK(fit(4) == fit(11));
}

TEST_CASE("a GPU's steps find batches of a shape in two places, and words from a base", "[gpu]") {
  Generator random(1), plain(1);
  for (Generator* generator : {&random, &plain}) generator->reserve(100);
  std::map<int64_t, std::set<const void*>> places;
  std::vector<float> seen;
  std::vector<RandomKey> keys;
  RecordedSteps steps(device, random, [&](const Batch& batch) {
    places[batch.size()].insert(batch.images.data());
    places[-batch.size()].insert(batch.labels.data());
    seen = dropout(batch.images, 0.5, random).to_vector<float>();
    keys.push_back(random.reserve(1));
  });
  std::vector<Batch> batches;  // each somewhere else
  for (const int64_t size : {4, 4, 3, 4, 3}) {
    const Tensor images = Tensor::full({size, 1, 2, 2}, double(size + std::ssize(keys)));
    batches.push_back(
        {images.to(device), test::labels(std::vector<int64_t>(size_t(size), 1)).to(device)});
    steps.run(batches.back());
    CHECK(seen == dropout(images, 0.5, plain).to_vector<float>());
    plain.reserve(1);
    CHECK(random.state() == plain.state());
  }
  CHECK(places.size() == 4);
  for (const auto& [size, found] : places) CHECK(found.size() == 2);
  // What steps are told of random numbers is the same each time: it may be repeated.
  for (const size_t i : {1, 3}) {
    CHECK(keys[i].offset == keys[0].offset);
    CHECK(keys[i].base == keys[0].base);
  }
  CHECK(keys[0].base != nullptr);
}

TEST_CASE("a trainer does the same on the CPU and on the GPU", "[gpu]") {
  // Three whole batches and a short one, twice, with all that is random, and a second fit.
  const auto fit = [](Device on) {
    const Dataset data = digits({.samples = 27});
    Sequential model = mlp({784, 20, 10}, {.dropout = 0.3, .generator = Generator(1)});
    model.to(on);
    const std::unique_ptr<Optimizer> optimizer =
        make_optimizer("sgd:momentum=0.9", model.parameters(), 1e-2);
    Trainer trainer(model, *optimizer, make_regularizers({"bean:order=1,alpha=10"}),
                    {.epochs = 2,
                     .batch_size = 8,
                     .clip_norm = 1,
                     .transform = RandomCrop{.padding = 2},
                     .evaluation_transform = normalize_for(data)});
    trainer.fit({.train = &data});
    trainer.fit({.train = &data});
    std::vector<double> all = {double(optimizer->steps())};
    for (const auto& [name, tensor] : trainer.state())
      if (!name.ends_with("seconds"))
        for (const double x : tensor.to(DType::float64).to_vector<double>()) all.push_back(x);
    return all;
  };
  const std::vector<double> cpu = fit({}), gpu = fit(device);
  REQUIRE(cpu.size() == gpu.size());
  CHECK(cpu[0] == 16);
  for (size_t i = 0; i < cpu.size(); ++i)
    if (cpu[i] != gpu[i] && !(std::abs(cpu[i] - gpu[i]) <= 1e-4)) FAIL_CHECK(i);
}

TEST_CASE("products and convolutions multiply by TF32 where that is asked for", "[gpu]") {
  // 1 + 2⁻¹² is 1 for TF32.
  const TensorOptions options = {.device = device};
  const double fine = 1 + 1.0 / 4096;
  const Tensor x = Tensor::full({1, 1}, fine, options), one = Tensor::ones({1, 1}, options);
  const auto product = [&] { return matmul(x, one).item(); };
  const auto dense = [&] { return linear(one, x).item(); };
  const auto convolution = [&] {
    const Tensor images = Tensor::ones({1, 20, 3, 3}, options);
    conv2d(images, Tensor::ones({1, 20, 3, 3}, options));
    return emulation.precision_of_cudnn.load();
  };
  const Tensor h = Tensor::from(std::vector<float>{0.3f, -0.9f, 0.7f, 0.2f}, {2, 2}).to(device);
  const auto penalty = [&] { return bean_penalty(h, h, {.order = 2}).item(); };
  const double before = penalty();
  CHECK(precision(device) == Precision::fp32);
  CHECK(product() == fine);
  CHECK(dense() == fine);
  CHECK(convolution() == Precision::fp32);
  CHECK_THAT(backend_for(device).details(), ContainsSubstring("float32 without TF32"));
  set_precision(Precision::tf32, device);
  CHECK(precision(device) == Precision::tf32);
  CHECK(product() == 1);
  CHECK(dense() == 1);
  CHECK(convolution() == Precision::tf32);
  CHECK(matmul(x.to(DType::float64), one.to(DType::float64)).item() == fine);
  CHECK(penalty() == before);
  CHECK_THAT(backend_for(device).details(), ContainsSubstring("float32 by TF32"));
  set_precision(Precision::fp32, device);
  CHECK(product() == fine);
}

TEST_CASE("cuBLASLt's epilogues save launches, and kernels do what they do not", "[gpu]") {
  struct Outcome {
    std::vector<std::vector<float>> values;
    long forward, backward;  // launches
  };
  const auto run = [](bool epilogues, bool replicas) {
    emulation.epilogues = epilogues;
    Generator random(4);
    const auto normal = [&](Shape shape) {
      if (replicas) shape = shape.inserted(0, 3);
      const Tensor t = Tensor::empty(shape);
      fill_normal(t, 0, 1, random);
      return t.to(device).set_requires_grad();
    };
    const Tensor x = normal({7, 5}), weight = normal({4, 5}), bias = normal({4});
    const long before = emulation.launches;
    const Tensor y = linear(x, weight, bias, {.relu = true});
    const long between = emulation.launches;
    backward(y, Tensor::ones(y.shape(), y.options()));
    // What fills the gradient with ones is a launch, too.
    Outcome outcome = {
        {y.detach().to_vector<float>()}, between - before, emulation.launches - between - 1};
    for (const Tensor& leaf : {x, weight, bias})
      outcome.values.push_back(leaf.grad().to_vector<float>());
    emulation.epilogues = true;
    return outcome;
  };
  for (const bool replicas : {false, true}) {
    const Outcome with = run(true, replicas), without = run(false, replicas);
    CHECK(with.forward == 0);
    CHECK(with.backward == 1);  // the ReLU's
    CHECK(without.forward == 2);
    CHECK(without.backward > 1);
    REQUIRE(with.values.size() == 4);
    for (size_t i = 0; i < with.values.size(); ++i)
      for (size_t j = 0; j < with.values[i].size(); ++j)
        CHECK(with.values[i][j] == Approx(without.values[i][j]).epsilon(1e-6).margin(1e-6));
  }
  CHECK(emulation.broken_guards == 0);
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
