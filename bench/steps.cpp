#include "bench/steps.hpp"

#include <charconv>
#include <chrono>

#include "core/ops/elementwise.hpp"
#include "core/ops/softmax.hpp"
#include "layers/models/registry.hpp"
#include "optim/adam.hpp"
#include "regularizers/bean.hpp"

namespace hebb::bench {
namespace {

std::vector<std::unique_ptr<Regularizer>> make_regularizers(const std::string& name) {
  std::vector<std::unique_ptr<Regularizer>> result;
  if (name != "none")
    result.push_back(std::make_unique<Bean>(BeanOptions{.order = name == "bean-1" ? 1 : 2}));
  return result;
}

}  // namespace

std::vector<std::string> step_names() {
  std::vector<std::string> names;
  for (const char* model : {"mlp/100", "lenet5/100", "lenet5/1"})
    for (const char* regularizer : {"none", "bean-1", "bean-2"})
      names.push_back(std::string(model) + "/" + regularizer);
  return names;
}

StepCase::StepCase(const std::string& name, const Dataset& data) {
  const size_t first = name.find('/'), second = name.rfind('/');
  std::from_chars(name.data() + first + 1, name.data() + second, batch_size_);
  model_ = make_model(name.substr(0, first));
  regularizers_ = make_regularizers(name.substr(second + 1));
  optimizer_ = std::make_unique<Adam>(model_->parameters(), AdamOptions{.lr = 5e-4});
  trainer_ =
      std::make_unique<Trainer>(*model_, *optimizer_, make_regularizers(name.substr(second + 1)));
  Loader loader(data, {.batch_size = batch_size_});
  for (int i = 0; i < 50; ++i) batches_.push_back(*loader.next());
}

void StepCase::run() {
  const Batch& batch = next_batch();
  trainer_->step(batch.images, batch.labels);
}

std::vector<double> StepCase::run_stages() {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  Clock::time_point last = Clock::now();
  const auto lap = [&] {
    const Clock::time_point now = Clock::now();
    times.push_back(std::chrono::duration<double, std::milli>(now - last).count());
    last = now;
  };
  const Batch& batch = next_batch();
  Context context{.training = true, .taps = regularizers_.empty() ? nullptr : &taps_};
  const Tensor logits = (*model_)(batch.images, context);
  lap();
  Tensor total = cross_entropy(logits, batch.labels);
  lap();
  for (const auto& regularizer : regularizers_) total = total + regularizer->penalty(taps_);
  lap();
  total.backward();
  taps_.clear();
  lap();
  optimizer_->step();
  optimizer_->zero_grad();
  lap();
  return times;
}

}  // namespace hebb::bench
