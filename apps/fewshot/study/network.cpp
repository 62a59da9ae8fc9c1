#include "apps/fewshot/study/network.hpp"

#include <algorithm>
#include <map>

#include "apps/fewshot/study/batches.hpp"
#include "core/autograd.hpp"
#include "core/ops/compare.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reduce.hpp"
#include "layers/models/registry.hpp"

namespace hebb::apps {
namespace {

constexpr int64_t tested_at_once = 100;

std::unique_ptr<Module> make_one(const Task& task, double dropout) {
  return make_model("lenet5", {.input = task.dataset.images.shape().without(0),
                               .classes = task.dataset.classes,
                               .dropout = dropout,
                               .init = Initializer::parse(task.key.protocol.init),
                               .generator = task.draw.weights});
}

// Images [begin, end) of each replica's, [R, B, ...], or labels.
Tensor rows_of_each(std::span<const Tensor> all, int64_t begin, int64_t end) {
  const Shape shape = all[0].shape().with(0, end - begin);
  const Tensor rows = Tensor::empty(shape.inserted(0, std::ssize(all)), all[0].options());
  for (int64_t r = 0; r < std::ssize(all); ++r)
    rows.view(shape, r * shape.numel()).copy_from(all[size_t(r)].slice(begin, end));
  return rows;
}

}  // namespace

std::unique_ptr<Module> make_network(std::span<const Task> tasks, std::span<const double> dropout) {
  const auto make = [&](size_t i) { return make_one(tasks[i], dropout.empty() ? 0 : dropout[i]); };
  std::unique_ptr<Module> network = make(0);
  if (tasks.size() > 1) {
    std::vector<std::unique_ptr<Module>> networks;
    for (size_t i = 0; i < tasks.size(); ++i) networks.push_back(make(i));
    network->replicate(networks);
  }
  network->to(tasks[0].key.device);
  return network;
}

State state_of(const Module& network, size_t task) {
  return network.replicas() > 0 ? network.replica(int64_t(task)) : network.state();
}

std::vector<const Batch*> tested_by(std::span<const Task> tasks) {
  std::vector<const Batch*> tested;
  for (const Task& task : tasks) tested.push_back(&task.tested);
  return tested;
}

Tester::Tester(std::span<const Task> tasks)
    : device_(tasks[0].key.device),
      dropout_(tasks[0].key.protocol.dropout_at_test ? Context::Dropout::on
                                                     : Context::Dropout::off) {
  for (const Task& task : tasks) masks_.push_back(task.draw.test_dropout);
}

Tensor Tester::logits(const Module& network, const Tensor& images) {
  Context context{.generator = masks_.data(), .generators = masks_, .dropout = dropout_};
  return network(images, context);
}

int64_t Tester::correct_of_one(const Module& network, const Batch& images) {
  int64_t sum = 0;
  for (int64_t begin = 0; begin < images.size(); begin += tested_at_once) {
    const int64_t end = std::min(begin + tested_at_once, images.size());
    const Batch slice_of =
        moved({images.images.slice(begin, end), images.labels.slice(begin, end)}, device_);
    const Tensor answers = argmax(logits(network, slice_of.images), 1);
    sum += int64_t(count_equal(answers, slice_of.labels).item());
  }
  return sum;
}

std::vector<int64_t> Tester::correct(const Module& network, std::span<const Batch* const> images) {
  const NoGrad no_grad;
  if (network.replicas() == 0) return {correct_of_one(network, *images[0])};
  std::vector<Tensor> pixels, labels;
  for (const Batch* batch : images) {
    if (!resident_.contains(batch)) resident_[batch] = moved(*batch, device_);
    pixels.push_back(resident_[batch].images);
    labels.push_back(resident_[batch].labels);
  }
  Tensor sums = Tensor::zeros({network.replicas()}, {DType::float32, device_});
  for (int64_t begin = 0; begin < images[0]->size(); begin += tested_at_once) {
    const int64_t end = std::min(begin + tested_at_once, images[0]->size());
    const Tensor answers = argmax(logits(network, rows_of_each(pixels, begin, end)), 2);
    sums = sums + sum(equal(answers.to(DType::float32),
                            rows_of_each(labels, begin, end).to(DType::float32)),
                      {1});
  }
  std::vector<int64_t> correct;
  for (const float count : sums.to_vector<float>()) correct.push_back(int64_t(count));
  return correct;
}

}  // namespace hebb::apps
