#include "bench/steps.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "layers/models/registry.hpp"
#include "optim/adam.hpp"
#include "regularizers/parse.hpp"

namespace hebb::bench {
namespace {

Dataset noise(int64_t count) {
  std::vector<uint8_t> pixels(size_t(count * 3 * 32 * 32));
  std::vector<int64_t> labels(static_cast<size_t>(count));
  Generator generator(1);
  for (uint8_t& pixel : pixels) pixel = uint8_t(generator.below(256));
  for (int64_t& label : labels) label = int64_t(generator.below(10));
  return {.images = Tensor::from(pixels, {count, 3, 32, 32}),
          .labels = Tensor::from(labels, {count}),
          .classes = 10,
          .name = "noise",
          .description = {}};
}

Regularizers regularizers_for(const std::string& name) {
  if (name == "none") return {};
  return make_regularizers({name == "bean-1" ? "bean:order=1" : "bean:order=2"});
}

}  // namespace

std::vector<std::string> step_names() {
  std::vector<std::string> names;
  for (const char* model : {"mlp/100", "lenet5/100", "lenet5/1"})
    for (const char* regularizer : {"none", "bean-1", "bean-2"})
      names.push_back(std::string(model) + "/" + regularizer);
  for (const char* name : {"resnet18/100/none", "resnet18/100/inference", "mlp/1/inference",
                           "lenet5/1/inference", "resnet18/1/inference"})
    names.push_back(name);
  return names;
}

bool is_step(const std::string& name) {
  const size_t first = name.find('/'), second = name.rfind('/');
  if (first == std::string::npos || second == first) return false;
  const auto among = [](const std::string& part, std::initializer_list<const char*> known) {
    return std::find(known.begin(), known.end(), part) != known.end();
  };
  int64_t batch = 0;
  const auto [end, error] = std::from_chars(name.data() + first + 1, name.data() + second, batch);
  return error == std::errc() && end == name.data() + second && batch > 0 &&
         among(name.substr(0, first), {"mlp", "lenet5", "resnet18"}) &&
         among(name.substr(second + 1), {"none", "bean-1", "bean-2", "inference"});
}

bool takes_noise(const std::string& name) { return name.starts_with("resnet18"); }

StepCase::StepCase(const std::string& name, const Dataset& data, Device device, Peers* peers)
    : device_(device), peers_(peers) {
  const size_t first = name.find('/'), second = name.rfind('/');
  std::from_chars(name.data() + first + 1, name.data() + second, batch_size_);
  const std::string kind = name.substr(second + 1);
  trains_ = kind != "inference";
  const Dataset images = takes_noise(name) ? noise(5 * batch_size_) : data;
  model_ = make_model(name.substr(0, first), {.input = images.images.shape().without(0)});
  model_->to(device);
  if (trains_) {
    regularizers_ = regularizers_for(kind);
    optimizer_ = std::make_unique<Adam>(model_->parameters(), AdamOptions{.lr = 5e-4});
  }
  Loader loader(images, {.batch_size = batch_size_,
                         .rank = peers ? peers->rank() : 0,
                         .ranks = peers ? peers->size() : 1});
  for (int i = 0; i < (takes_noise(name) ? 5 : 50); ++i) {
    const Batch batch = *loader.next();
    batches_.push_back({batch.images.to(device), batch.labels.to(device), batch.rows});
  }
}

void StepCase::run_step(const Batch& batch) {
  if (peers_) {
    peers_->sum_gradients(optimizer_->parameters(), [&] {
      accumulate_gradients(*model_, regularizers_, batch, {},
                           {.weight = batch.counted() / double(batch.total())});
    });
    optimizer_->step();
    optimizer_->zero_grad();
  } else if (trains_) {
    train_step(*model_, *optimizer_, regularizers_, batch, {});
  } else {
    const NoGrad scope;
    (*model_)(batch.images);
  }
}

void StepCase::run() {
  for (int step = 0; step < steps_at_once(); ++step) recorded_.run(next_batch());
  backend_for(device_).synchronize();
}

void StepCase::sum_gradients_alone() {
  peers_->sum_gradients(optimizer_->parameters(), [&] {
    for (const NamedTensor& parameter : optimizer_->parameters())
      parameter.tensor.set_grad(parameter.tensor.detach());
  });
  optimizer_->zero_grad();
}

std::vector<double> StepCase::run_stages() {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  Clock::time_point last = Clock::now();
  const auto on_stage = [&](TrainStepOptions::Stage) {
    const Clock::time_point now = Clock::now();
    times.push_back(std::chrono::duration<double, std::milli>(now - last).count());
    last = now;
  };
  train_step(*model_, *optimizer_, regularizers_, next_batch(), {}, {.on_stage = on_stage});
  return times;
}

}  // namespace hebb::bench
