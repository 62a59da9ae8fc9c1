#include "bench/steps.hpp"

#include <charconv>
#include <chrono>

#include "layers/models/registry.hpp"
#include "optim/adam.hpp"
#include "regularizers/parse.hpp"

namespace hebb::bench {
namespace {

// Zeros are no part of photographs, so noise takes as long.
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
  names.push_back("resnet18/100/none");
  return names;
}

StepCase::StepCase(const std::string& name, const Dataset& data) {
  const size_t first = name.find('/'), second = name.rfind('/');
  std::from_chars(name.data() + first + 1, name.data() + second, batch_size_);
  const bool residual = name.starts_with("resnet18");
  const Dataset images = residual ? noise(5 * batch_size_) : data;
  model_ = make_model(name.substr(0, first), {.input = images.images.shape().without(0)});
  regularizers_ = regularizers_for(name.substr(second + 1));
  optimizer_ = std::make_unique<Adam>(model_->parameters(), AdamOptions{.lr = 5e-4});
  Loader loader(images, {.batch_size = batch_size_});
  for (int i = 0; i < (residual ? 5 : 50); ++i) batches_.push_back(*loader.next());
}

void StepCase::run(const TrainStepOptions& options) {
  train_step(*model_, *optimizer_, regularizers_, next_batch(), {}, options);
}

std::vector<double> StepCase::run_stages() {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  Clock::time_point last = Clock::now();
  run({.on_stage = [&](TrainStepOptions::Stage) {
    const Clock::time_point now = Clock::now();
    times.push_back(std::chrono::duration<double, std::milli>(now - last).count());
    last = now;
  }});
  return times;
}

}  // namespace hebb::bench
