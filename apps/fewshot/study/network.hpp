#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "apps/fewshot/study/method.hpp"
#include "layers/module.hpp"

namespace hebb::apps {

/// LeNet-5 for the task's images, with the draw's initial weights, on the key's device; for several
/// tasks, which differ in draw and value alone, as many replicas of it. `dropout` has each task's
/// probability; empty: 0.
std::unique_ptr<Module> make_network(std::span<const Task> tasks,
                                     std::span<const double> dropout = {});

/// What one of the networks of make_network is made of: its own tensors, not copies.
State state_of(const Module& network, size_t task);

/// Counts the images that networks get right, with dropout as the protocol has it at test.
class Tester {
 public:
  explicit Tester(std::span<const Task> tasks);
  /// For each task of its own images, of which all have as many; batches stay as they are from one
  /// call to the next. Goes on with the masks of dropout where the last call ended.
  std::vector<int64_t> correct(const Module& network, std::span<const Batch* const> images);

 private:
  int64_t correct_of_one(const Module& network, const Batch& images);
  Tensor logits(const Module& network, const Tensor& images);

  Device device_;
  Context::Dropout dropout_;
  std::vector<Generator> masks_;
  std::map<const Batch*, Batch> resident_;  // on the device; those of several tasks once
};

/// What tells the tasks' test images apart.
std::vector<const Batch*> tested_by(std::span<const Task> tasks);

}  // namespace hebb::apps
