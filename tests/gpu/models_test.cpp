// Training on the device that HEBB_TEST_DEVICE names: an emulated GPU in hebb-gpu-tests, a real one
// in hebb-tests.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include "core/log.hpp"
#include "core/precision.hpp"
#include "data/data.hpp"
#include "layers/layers.hpp"
#include "optim/optim.hpp"
#include "optim/recorded_steps.hpp"
#include "regularizers/regularizers.hpp"
#include "tests/catch.hpp"
#include "tests/core/ops/table.hpp"

namespace hebb::test {
namespace {

struct Training {
  std::string model, optimizer;
  Shape input;
  int64_t batch;
  double dropout = 0;
  std::string regularizer = {};
  DType dtype = DType::float32;  // of images, and so of activations
  int64_t steps = 10;
};

std::unique_ptr<Module> untrained(const Training& training) {
  if (training.model == "resnet18")  // a narrow one
    return std::make_unique<ResNet>(
        resnet18({.input = training.input, .width = 8, .generator = Generator(3)}));
  return make_model(training.model, {.input = training.input,
                                     .classes = 10,
                                     .hidden = {48},
                                     .dropout = training.dropout,
                                     .generator = Generator(3)});
}

// The same on all devices: an image is its class's pattern with noise.
std::vector<Batch> batches(const Training& training) {
  Generator random(5);
  const Shape& input = training.input;
  const Tensor patterns = Tensor::empty({10, input[0], input[1], input[2]});
  fill_normal(patterns, 0, 1, random);
  std::vector<Batch> result;
  for (int64_t step = 0; step < training.steps; ++step) {
    std::vector<int64_t> labels;
    for (int64_t i = 0; i < training.batch; ++i) labels.push_back((3 * step + 7 * i) % 10);
    const Tensor y = Tensor::from(labels, {training.batch});
    const Tensor images = gather_rows(patterns, y), noise = Tensor::empty(images.shape());
    fill_normal(noise, 0, 0.3, random);
    result.push_back({images + noise, y});
  }
  return result;
}

enum class Steps { called, recorded };

/// All that a model has learnt, with its running statistics, by name, and the losses at the end.
std::vector<std::pair<std::string, std::vector<float>>> learnt(const Training& training, Device on,
                                                               Steps how) {
  const std::unique_ptr<Module> model = untrained(training);
  model->to(on);
  const std::unique_ptr<Optimizer> optimizer =
      make_optimizer(training.optimizer, model->parameters(), 0.02);
  const Regularizers regularizers =
      training.regularizer.empty() ? Regularizers() : make_regularizers({training.regularizer});
  Generator random(6);
  const Tensor losses = Tensor::zeros({1}, {.device = on});
  const auto step = [&](const Batch& batch) {
    const TrainStep done = train_step(*model, *optimizer, regularizers, batch,
                                      {.generator = &random}, {.clip_norm = 1});
    losses.copy_from(losses + done.loss.detach());
  };
  RecordedSteps recorded(on, random, step);
  for (const Batch& batch : batches(training)) {
    const Batch here = {batch.images.to(on).to(training.dtype), batch.labels.to(on)};
    if (how == Steps::recorded)
      recorded.run(here);
    else
      step(here);
  }
  std::vector<std::pair<std::string, std::vector<float>>> values;
  for (const auto& tensors : {model->parameters(), model->buffers()})
    for (const NamedTensor& named : tensors)
      values.emplace_back(named.name, named.tensor.to(DType::float32).to_vector<float>());
  values.emplace_back("losses", losses.to_vector<float>());
  return values;
}

double distance(const std::vector<float>& a, const std::vector<float>& b) {
  double squares = 0;
  for (size_t i = 0; i < a.size(); ++i)
    squares += (double(a[i]) - double(b[i])) * (double(a[i]) - double(b[i]));
  return std::sqrt(squares);
}

void compare(const Training& training, double tolerance = 2e-3) {
  INFO(training.model << " dropout " << training.dropout << ' ' << training.regularizer);
  const Device device = test_device();
  const auto cpu = learnt(training, Device::cpu(), Steps::called);
  const auto gpu = learnt(training, device, Steps::called);
  REQUIRE(cpu.size() == gpu.size());
  const State before = untrained(training)->state();
  for (size_t i = 0; i < cpu.size(); ++i) {
    const auto& [name, values] = cpu[i];
    INFO(name);
    REQUIRE(values.size() == gpu[i].second.size());
    // By what a tensor has learnt, which is less than what it is.
    std::vector<float> start(values.size(), 0);
    if (name != "losses") start = before.at(name).to(DType::float32).to_vector<float>();
    const double moved = distance(values, start);
    CHECK(moved > 0);
    CHECK(distance(values, gpu[i].second) <= tolerance * moved);
  }
  const auto same_bytes = [&](Steps how) {
    const auto again = learnt(training, device, how);
    for (size_t i = 0; i < gpu.size(); ++i) {
      INFO(gpu[i].first);
      CHECK(std::memcmp(gpu[i].second.data(), again[i].second.data(),
                        gpu[i].second.size() * sizeof(float)) == 0);
    }
  };
  same_bytes(Steps::called);
  same_bytes(Steps::recorded);
}

// All of a run of 24 steps, the short last batches included, with all that changes from step to
// step: bytes by name. Between steps the model is looked at now and then, and its state is asked
// for.
State run_of(const Training& training, bool repeats) {
  const bool narrow = training.dtype == DType::bfloat16;
  set_precision(narrow ? Precision::bf16 : Precision::fp32, test_device());
  setenv("HEBB_CUDA_GRAPHS", repeats ? "1" : "0", 1);
  const Shape& input = training.input;
  Generator random(7);
  std::vector<uint8_t> pixels(size_t(43 * input.numel()));
  std::vector<int64_t> labels(43);
  for (uint8_t& pixel : pixels) pixel = uint8_t(random.below(256));
  for (int64_t& label : labels) label = random.below(10);
  const Dataset data{Tensor::from(pixels, {43, input[0], input[1], input[2]}),
                     Tensor::from(labels, {43}), 10, "noise", ""};
  const std::unique_ptr<Module> model = untrained(training);
  model->to(test_device());
  const std::unique_ptr<Optimizer> optimizer =
      make_optimizer(training.optimizer, model->parameters(), 0.02);
  Trainer trainer(
      *model, *optimizer,
      training.regularizer.empty() ? Regularizers() : make_regularizers({training.regularizer}),
      {.epochs = 4,
       .batch_size = 8,
       .seed = 9,
       .schedule = Schedule::parse("cosine"),
       .label_smoothing = 0.1,
       .clip_norm = 1,
       .transform = compose({RandomCrop{.padding = 1}, RandomHorizontalFlip{}}),
       .evaluation_transform = normalize_for(data)});
  trainer.on_step = [&](int64_t step, int64_t) {
    if (step == 4) trainer.evaluate(data);
    if (step == 5) trainer.state();
  };
  trainer.fit({.train = &data, .validation = &data});
  unsetenv("HEBB_CUDA_GRAPHS");
  set_precision(Precision::fp32, test_device());
  State state = trainer.state();
  std::erase_if(state, [](const auto& entry) { return entry.first.ends_with("seconds"); });
  return state;
}

bool is_repeated(const std::string& message) {
  return message.starts_with("[cuda] a step is repeated from here on");
}

void compare_runs(const Training& training) {
  INFO(training.model << ' ' << training.optimizer << ' ' << training.regularizer);
  const State called = run_of(training, false);
  std::vector<std::string> messages;
  set_log_sink([&](LogLevel, std::string_view message) { messages.emplace_back(message); });
  const State repeated = run_of(training, true);
  set_log_sink({});
  CHECK(std::ranges::count_if(messages, is_repeated) == 2);  // whole batches, and short ones
  REQUIRE(called.size() == repeated.size());
  for (const auto& [name, tensor] : called) {
    INFO(name);
    const Tensor a = tensor.to(Device::cpu()), b = repeated.at(name).to(Device::cpu());
    REQUIRE(a.bytes() == b.bytes());
    CHECK((a.bytes() == 0 || std::memcmp(a.data(), b.data(), a.bytes()) == 0));
  }
}

constexpr int64_t replicas = 3;

// Adam and a penalty whose rates and strengths are each replica's own.
std::unique_ptr<Optimizer> own_optimizer(const Module& model) {
  std::vector<ParameterGroup> groups;
  for (int64_t r = 0; r < replicas; ++r)
    groups.push_back({.pattern = "*",
                      .lr_scale = 1e-3 * double(r + 1),
                      .weight_decay_scale = 0.1 * double(r),
                      .replica = r});
  return make_optimizer("adam:weight-decay=1", model.parameters(), 1, groups);
}
std::unique_ptr<Regularizer> own_regularizer(const std::string& kind, Device on) {
  const Tensor strengths = Tensor::from(std::vector<double>{0, 0.3, 2}, {replicas}).to(on);
  if (kind == "l1") return std::make_unique<L1>(L1Options{.lambdas = strengths});
  return std::make_unique<Bean>(BeanOptions{
      .order = kind == "bean-2" ? 2 : 1,
      .alphas = strengths,
      .divergence = kind == "bean-absolute" ? Divergence::absolute : Divergence::squared});
}

// Batch `step` of each replica, one after the other.
Batch batch_of_all(const std::vector<Batch>& all, size_t step) {
  std::vector<Tensor> images;
  std::vector<int64_t> labels;
  for (size_t r = 0; r < size_t(replicas); ++r) {
    images.push_back(all[step + r].images);
    for (const int64_t label : all[step + r].labels.to_vector<int64_t>()) labels.push_back(label);
  }
  const Shape shape = images[0].shape().inserted(0, replicas);
  return {concat(images).reshape(shape), Tensor::from(labels, {replicas, shape[1]})};
}

// What replicas have learnt on a device, one after the other, and the sums of their losses.
std::vector<std::vector<float>> learnt_together(const Training& training, Device on, Steps how) {
  const bool own = training.optimizer == "own";
  const std::unique_ptr<Module> model = untrained(training);
  std::vector<std::unique_ptr<Module>> networks;
  for (int64_t r = 0; r < replicas; ++r) {
    Training one = training;
    if (own) one.dropout = 0.2 * double(r + 1);
    networks.push_back(untrained(one));
    Generator random{uint64_t(r)};
    for (const auto& [name, tensor] : networks.back()->state()) fill_normal(tensor, 0, 0.1, random);
  }
  model->replicate(networks);
  model->to(on);
  const std::unique_ptr<Optimizer> optimizer =
      own ? own_optimizer(*model) : make_optimizer(training.optimizer, model->parameters(), 0.02);
  Regularizers regularizers;
  if (own)
    regularizers.push_back(own_regularizer(training.regularizer, on));
  else if (!training.regularizer.empty())
    regularizers = make_regularizers({training.regularizer});
  std::vector<Generator> random;
  for (int64_t r = 0; r < replicas; ++r) {  // which stand at different places
    random.emplace_back(uint64_t(6 + r));
    random.back().reserve(4 * r);
  }
  const std::vector<Batch> all = batches(training);
  const Batch first = batch_of_all(all, 0);
  const Batch place{first.images.to(on), first.labels.to(on)};
  const Tensor losses = Tensor::zeros({replicas}, {.device = on});
  const auto step = [&] {
    const TrainStep done =
        train_step(*model, *optimizer, regularizers, place, {.generators = random});
    losses.copy_from(losses + done.loss.detach());
  };
  DeviceDraws draws(on, random);
  RecordedStep recorded(draws, step);
  for (size_t i = 0; i + size_t(replicas) < all.size(); ++i) {
    const Batch batch = batch_of_all(all, i);
    place.images.copy_from(batch.images.to(on));
    place.labels.copy_from(batch.labels.to(on));
    if (how == Steps::recorded)
      recorded.run();
    else
      step();
  }
  std::vector<std::vector<float>> values{losses.to_vector<float>()};
  for (int64_t r = 0; r < replicas; ++r) {
    for (const auto& [name, tensor] : model->replica(r))
      values.push_back(tensor.to_vector<float>());
    values.push_back({float(1 + random[size_t(r)].state().offset)});
  }
  return values;
}

}  // namespace

TEST_CASE("a run whose steps are repeated gives the bytes of one whose steps are called",
          "[models]") {
  for (const char* optimizer : {"sgd:momentum=0.9", "adamw", "nadam", "muon"})
    compare_runs({"mlp", optimizer, {1, 8, 8}, 8, 0.4, "bean:order=2,alpha=1"});
  for (const char* regularizer : {"bean:order=1,alpha=1", "l1:lambda=1e-4", "l2:lambda=1e-3",
                                  "energy:activity=1e-3,weight=1e-3,nonnegativity=1e-3"})
    compare_runs({"lenet5", "adamw", {1, 12, 12}, 8, 0.4, regularizer});
  compare_runs({"resnet18", "sgd:momentum=0.9", {3, 4, 4}, 8, 0, "bean:order=1,alpha=1"});
}

TEST_CASE("so does one whose activations are of bfloat16", "[models]") {
  const std::string bean = "bean:order=1,alpha=1", momentum = "sgd:momentum=0.9";
  compare_runs({"mlp", "adamw", {1, 8, 8}, 8, 0.4, bean, DType::bfloat16});
  compare_runs({"lenet5", "adamw", {1, 12, 12}, 8, 0.4, bean, DType::bfloat16});
  compare_runs({"resnet18", momentum, {3, 4, 4}, 8, 0, bean, DType::bfloat16});
}

TEST_CASE("replicas are the CPU's, and the same again", "[models]") {
  for (const Training& training :
       {Training{"lenet5", "sgd:momentum=0.9", {1, 12, 12}, 1, 0.4, "bean:order=1,alpha=1"},
        Training{"lenet5", "sgd:momentum=0.9", {1, 12, 12}, 3, 0, "bean:order=2,alpha=1"},
        Training{"mlp", "sgd:momentum=0.9", {1, 12, 12}, 4, 0.4, "l1:lambda=1e-3"},
        Training{"lenet5", "own", {1, 12, 12}, 2, 0.4, "bean-1"},
        Training{"lenet5", "own", {1, 12, 12}, 1, 0.4, "bean-2"},
        Training{"mlp", "own", {1, 12, 12}, 2, 0.4, "bean-absolute"},
        Training{"mlp", "own", {1, 12, 12}, 2, 0.4, "l1"}}) {
    INFO(training.model << ' ' << training.regularizer);
    const auto cpu = learnt_together(training, Device::cpu(), Steps::called);
    const auto gpu = learnt_together(training, test_device(), Steps::called);
    CHECK(gpu == learnt_together(training, test_device(), Steps::called));
    std::vector<std::string> messages;
    set_log_sink([&](LogLevel, std::string_view message) { messages.emplace_back(message); });
    CHECK(gpu == learnt_together(training, test_device(), Steps::recorded));
    set_log_sink({});
    REQUIRE(messages.size() == 1);
    CHECK(is_repeated(messages[0]));
    REQUIRE(cpu.size() == gpu.size());
    for (size_t i = 0; i < cpu.size(); ++i) {
      INFO("tensor " << i);
      const std::vector<float> zeros(cpu[i].size(), 0);
      CHECK(distance(cpu[i], zeros) > 0);
      CHECK(distance(cpu[i], gpu[i]) <= 1e-4 * distance(cpu[i], zeros));
    }
  }
}

TEST_CASE("ten steps of an MLP are the CPU's, and the same again", "[models]") {
  for (const double dropout : {0.0, 0.4})
    for (const char* bean : {"", "bean:order=1,alpha=1", "bean:order=2,alpha=1"})
      compare({"mlp", "sgd:momentum=0.9", {1, 12, 12}, 16, dropout, bean});
  compare({"mlp", "adamw", {1, 12, 12}, 16, 0.4, "bean:order=1,alpha=1"});
}

TEST_CASE("ten steps of LeNet-5 are the CPU's, and the same again", "[models]") {
  for (const double dropout : {0.0, 0.4})
    for (const char* bean : {"", "bean:order=1,alpha=1"})
      compare({"lenet5", "sgd:momentum=0.9", {1, 12, 12}, 4, dropout, bean});
}

TEST_CASE("ten steps of a narrow ResNet-18 are the CPU's, and the same again", "[models]") {
  for (const char* bean : {"", "bean:order=1,alpha=1"})
    compare({"resnet18", "sgd:momentum=0.9", {3, 4, 4}, 8, 0, bean});
}

// What is rounded to another neighbour than on the CPU grows from step to step, in a ResNet most.
TEST_CASE("steps with activations of bfloat16 are the CPU's, and the same again", "[models]") {
  const std::string bean = "bean:order=1,alpha=1", momentum = "sgd:momentum=0.9";
  compare({"mlp", momentum, {1, 12, 12}, 16, 0.4, bean, DType::bfloat16}, 0.1);
  compare({"lenet5", momentum, {1, 12, 12}, 4, 0.4, bean, DType::bfloat16}, 0.1);
  compare({"resnet18", momentum, {3, 8, 8}, 8, 0, bean, DType::bfloat16, 1}, 0.25);
}

}  // namespace hebb::test
