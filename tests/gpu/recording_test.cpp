// Steps that are recorded, on the emulated GPU: what is recorded is done by launches alone, with
// all that it was told by value, and in memory that is its own.
#include "gpu/recording.hpp"

#include <cstdlib>
#include <cstring>
#include <thread>

#include "core/backend.hpp"
#include "core/log.hpp"
#include "core/ops/record_step.hpp"
#include "core/precision.hpp"
#include "core/profile.hpp"
#include "gpu/cuda_backend.hpp"
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

CachingAllocator& device_blocks() {
  return static_cast<CudaBackend&>(backend_for(device)).memory();
}

// What the log says while it lives.
class Log {
 public:
  Log() {
    set_log_sink([this](LogLevel, std::string_view text) { messages.emplace_back(text); });
  }
  ~Log() { set_log_sink({}); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  std::vector<std::string> messages;
};

const std::string called = "[cuda] a step is called each time, and not repeated: ";

using Numbers = std::vector<float>;

// Ten calls of a step that adds x to y, through record_step, with `more` in each: 10 x, unless
// something is wrong. How often the step was called, and what the log says of it.
struct Outcome {
  Numbers sum;
  int calls = 0;
  long launches = 0;
  std::vector<std::string> messages;
};
Outcome ten_steps(const std::function<void(const Tensor& x, int call)>& more) {
  const Log log;
  Outcome outcome;
  const long launches = emulation.graph_launches, graphs = emulation.graphs;
  {
    const Tensor x = Tensor::ones({3}, {.device = device}),
                 y = Tensor::zeros({3}, {.device = device});
    const std::function<void()> step = record_step(device, [&] {
      ++outcome.calls;
      y.copy_from(y + x);
      more(x, outcome.calls);
    });
    for (int i = 0; i < 10; ++i) step();
    outcome.sum = y.to_vector<float>();
  }
  outcome.launches = emulation.graph_launches - launches;
  outcome.messages = log.messages;
  CHECK(emulation.graphs == graphs);
  CHECK(emulation.broken_guards == 0);
  return outcome;
}

TEST_CASE("a step is called twice, recorded, and repeated", "[gpu]") {
  const size_t lent = device_blocks().stats().lent;
  const Outcome outcome = ten_steps([](const Tensor&, int) {});
  CHECK(outcome.sum == Numbers(3, 10));
  CHECK(outcome.calls == 3);
  CHECK(outcome.launches == 8);
  CHECK(outcome.messages ==
        std::vector<std::string>{"[cuda] a step is repeated from here on, in 0 MiB of its own"});
  CHECK(device_blocks().stats().lent == lent);
}

TEST_CASE("a step is recorded anew under each precision", "[gpu]") {
  const double fine = 1 + 1.0 / 4096;  // which is 1 for TF32
  const Tensor x = Tensor::full({1, 1}, fine, {.device = device}),
               one = Tensor::ones({1, 1}, {.device = device}),
               y = Tensor::zeros({1, 1}, {.device = device});
  int calls = 0;
  const std::function<void()> step = record_step(device, [&] {
    ++calls;
    y.copy_from(y + matmul(x, one));
  });
  double sum = 0;
  for (const Precision precision : {Precision::fp32, Precision::tf32, Precision::fp32}) {
    set_precision(precision, device);
    for (int i = 0; i < 5; ++i) step();
    sum += 5 * (precision == Precision::fp32 ? fine : 1);
    CHECK(y.item() == sum);
  }
  CHECK(calls == 6);
}

TEST_CASE("a step that cannot be repeated is called each time, and the log says why once",
          "[gpu]") {
  const size_t lent = device_blocks().stats().lent;
  Tensor left, sum, kept;
  Generator random(1), plain(1);
  Numbers drawn;
  double seen = 0;
  const std::vector<std::pair<std::string, std::function<void(const Tensor&, int)>>> steps = {
      {"it copies to the host, and waits",
       [&](const Tensor& x, int) { seen += (x * 2.0).slice(0, 1).item(); }},
      {"it waits for the device", [](const Tensor&, int) { backend_for(device).synchronize(); }},
      {"it copies from the host",
       [](const Tensor& x, int call) {
         x.copy_from(Tensor::full({3}, double(call)));
         x.copy_from(Tensor::ones({3}));
       }},
      {"it gives memory back", [](const Tensor&, int) { release_cached_memory(device); }},
      {"it draws from a generator that has no base on the device",
       [&](const Tensor& x, int) { fill_uniform(x.clone(), 0, 1, random); }},
      {"it leaves tensors that it made", [&](const Tensor& x, int) { left = x + 1.0; }},
      {"it leaves tensors that it made",
       [&](const Tensor& x, int) { sum = sum.defined() ? sum + x : x.clone(); }},
      {"it frees tensors that it did not make",
       [&](const Tensor& x, int call) { kept = call == 2 ? x.clone() : Tensor(); }},
  };
  for (size_t i = 0; i < steps.size(); ++i) {
    INFO(i << ": " << steps[i].first);
    const Outcome outcome = ten_steps(steps[i].second);
    CHECK(outcome.sum == Numbers(3, 10));
    CHECK(outcome.calls == 10);
    CHECK(outcome.launches == 1);
    CHECK(outcome.messages == std::vector<std::string>{called + steps[i].first});
  }
  CHECK(seen == 20);
  CHECK(left.to_vector<float>() == Numbers(3, 2));
  CHECK(sum.to_vector<float>() == Numbers(3, 10));
  left = sum = {};
  CHECK(device_blocks().stats().lent == lent);
}

TEST_CASE("what CUDA refuses to record is called anew, and then each time", "[gpu]") {
  int seen = 0;
  const Outcome outcome = ten_steps([&](const Tensor&, int) {
    seen += 1;
    cuda::synchronize(stream_of(0));  // past the backend, as a library might
  });
  CHECK(outcome.sum == Numbers(3, 10));
  CHECK(outcome.calls == 11);
  CHECK(outcome.launches == 0);
  REQUIRE(outcome.messages.size() == 1);
  CHECK_THAT(outcome.messages[0],
             ContainsSubstring(called + "[cuda] cudaStreamSynchronize failed"));
}

TEST_CASE("an error that a step has of its own comes out of a recording, too", "[gpu]") {
  for (const bool waits : {false, true}) {
    int calls = 0;
    const std::function<void()> step = record_step(device, [&] {
      const Tensor x = Tensor::ones({2}, {.device = device});
      if (waits) x.slice(0, 1).item();
      if (++calls >= 3) x.reshape({3});
    });
    step();
    step();
    CHECK_THROWS_AS(step(), ShapeError);
    CHECK(calls == (waits ? 3 : 4));
    CHECK_THROWS_AS(step(), ShapeError);
    CHECK_FALSE(is_recording());
  }
  CHECK(emulation.graphs == 0);
}

TEST_CASE("other threads work on, and a step within a step is part of it", "[gpu]") {
  Numbers seen;
  const Tensor z = Tensor::zeros({3}, {.device = device});
  const std::function<void()> inner = record_step(device, [&] { z.copy_from(z + 1.0); });
  for (int i = 0; i < 3; ++i) inner();
  const Outcome outcome = ten_steps([&](const Tensor& x, int call) {
    std::thread([&] {
      const Tensor y = (x + double(call)).clone();
      seen.push_back(y.to_vector<float>()[2]);
    }).join();
    inner();
  });
  CHECK(outcome.sum == Numbers(3, 10));
  CHECK(outcome.calls == 3);
  CHECK(outcome.launches == 8 + 2);  // two of the inner one's own
  CHECK(seen == Numbers{2, 3, 4});
  CHECK(z.to_vector<float>() == Numbers(3, 13));
}

TEST_CASE("steps are called while a profile is on, or where no graphs are wanted", "[gpu]") {
  setenv("HEBB_CUDA_GRAPHS", "0", 1);
  const Outcome without = ten_steps([](const Tensor&, int) {});
  CHECK_THAT(backend_for(device).details(), ContainsSubstring("steps not recorded"));
  unsetenv("HEBB_CUDA_GRAPHS");
  CHECK(without.sum == Numbers(3, 10));
  CHECK(without.calls == 10);
  CHECK(without.messages.empty());
  int calls = 0;
  const Tensor y = Tensor::zeros({}, {.device = device});
  const std::function<void()> step = record_step(device, [&] {
    ++calls;
    y.copy_from(y + 1.0);
  });
  for (int i = 0; i < 4; ++i) step();
  start_profile();
  step();
  stop_profile();
  CHECK(calls == 4);
  step();
  CHECK(calls == 4);
  CHECK(y.item() == 6);
}

TEST_CASE("a label out of range is told of a step that is repeated", "[gpu]") {
  const Tensor labels = Tensor::zeros({4}, {DType::int64, device});
  const Tensor logits = Tensor::ones({4, 3}, {.device = device});
  const Tensor losses = Tensor::zeros({}, {.device = device});
  const std::function<void()> step =
      record_step(device, [&] { losses.copy_from(losses + cross_entropy(logits, labels)); });
  for (int i = 0; i < 4; ++i) step();
  labels.copy_from(test::labels({0, 1, 5, 7}));
  step();
  std::string message;
  try {
    losses.item();
  } catch (const Error& error) {
    message = error.what();
  }
  CHECK(message == "[cross_entropy] expected labels in [0, 3), got 5 at row 2");
  CHECK(std::isfinite(losses.item()));
}

/// Twelve steps of training, whole batches and short ones, through RecordedSteps: all that is
/// learnt. `before` is told of the steps as they come.
Numbers trained(const char* optimizer_name, bool repeats,
                const std::function<void(int)>& before = {}) {
  setenv("HEBB_CUDA_GRAPHS", repeats ? "1" : "0", 1);
  Sequential model = mlp({16, 12, 5}, {.dropout = 0.3, .generator = Generator(1)});
  model.to(device);
  const std::unique_ptr<Optimizer> optimizer =
      make_optimizer(optimizer_name, model.parameters(), 0.1);
  const Regularizers regularizers = make_regularizers({"bean:order=1,alpha=1"});
  Generator random(2), noise(3);
  random.reserve(12);
  RecordedSteps steps(device, random, [&](const Batch& batch) {
    train_step(model, *optimizer, regularizers, batch, {.generator = &random}, {.clip_norm = 1});
  });
  Numbers all;
  for (int i = 0; i < 12; ++i) {
    const int64_t size = i % 3 == 2 ? 3 : 6;
    const Tensor images = Tensor::empty({size, 1, 4, 4});
    fill_normal(images, 0, 1, noise);
    const Batch batch{images.to(device),
                      test::labels(std::vector<int64_t>(size_t(size), i % 5)).to(device)};
    optimizer->set_lr(0.1 / (1 + i));
    if (before) before(i);
    steps.run(batch);
  }
  for (const State& state : {model.state(), optimizer->state()})
    for (const auto& [name, tensor] : state)
      for (const double x : tensor.to(DType::float64).to_vector<double>()) all.push_back(float(x));
  all.push_back(float(random.state().offset));
  unsetenv("HEBB_CUDA_GRAPHS");
  return all;
}

bool same(const Numbers& a, const Numbers& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST_CASE("steps that are repeated give the bytes of those that are called", "[gpu]") {
  int most = 300;
  for (const char* name : {"sgd:momentum=0.9", "adamw", "nadam", "muon"}) {
    INFO(name);
    most *= 2;
    const Numbers expected = trained(name, false);
    const size_t lent = device_blocks().stats().lent;
    const long launches = emulation.graph_launches;
    {
      const Log log;
      CHECK(same(trained(name, true), expected));
      CHECK(log.messages.size() == 2);  // both shapes
    }
    CHECK(emulation.graph_launches - launches == 6 + 2);
    CHECK(device_blocks().stats().lent == lent);
    // And with other trainings between, once of more parameters than any before: what is theirs and
    // what takes the memory that they leave stays as it is.
    std::vector<Tensor> zeros;
    const auto train_others = [&](int i) {
      std::vector<NamedTensor> parameters;
      for (int p = 0; p < (i == 6 ? most : 3); ++p) {
        const Tensor x = Tensor::ones({20}, {.device = device});
        x.set_grad(Tensor::ones({20}, {.device = device}));
        parameters.push_back({std::to_string(p), x});
        zeros.push_back(x);
      }
      Sgd(parameters, {.lr = 1}).step();
      for (int64_t n = 128; i == 6 && n < 1 << 16; n += n / 8)
        zeros.push_back(Tensor::zeros({n}, {.device = device}));
    };
    CHECK(same(trained(name, true, train_others), expected));
    for (const Tensor& x : zeros) CHECK(x.to_vector<float>() == Numbers(size_t(x.numel()), 0));
    CHECK(emulation.graphs == 0);
  }
}

TEST_CASE("wherever a recording breaks off, the bytes are the same", "[gpu]") {
  const Numbers expected = trained("adamw", false);
  const size_t lent = device_blocks().stats().lent;
  for (std::atomic<long>* broken : {&emulation.unrecordable, &emulation.refused_request}) {
    long at = 1;
    for (bool breaks = true; breaks; ++at) {
      INFO((broken == &emulation.unrecordable ? "launch " : "request ") << at);
      const Log log;
      const Numbers all = trained("adamw", true, [&](int i) {
        if (i != 3) return;  // the third whole batch
        device_blocks().trim();
        *broken = at;
      });
      *broken = 0;
      CHECK(same(all, expected));
      const auto warnings = std::ranges::count_if(
          log.messages, [](const std::string& message) { return message.starts_with(called); });
      CHECK(warnings <= 1);
      breaks = warnings > 0;
      CHECK(emulation.graphs == 0);
      CHECK(device_blocks().stats().lent == lent);
    }
    CHECK(at > 15);
  }
}

}  // namespace
}  // namespace hebb::cuda
