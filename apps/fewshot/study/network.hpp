#pragma once

#include <memory>

#include "apps/fewshot/study/method.hpp"
#include "layers/module.hpp"

namespace hebb::apps {

/// LeNet-5 for the task's images, with the draw's initial weights, on the key's device.
std::unique_ptr<Module> make_network(const Task& task, double dropout = 0);

/// Counts the images that a network gets right, with dropout as the protocol has it at test.
class Tester {
 public:
  explicit Tester(const Task& task);
  /// Goes on with the masks of dropout where the last call ended.
  int64_t correct(const Module& network, const Batch& images);

 private:
  Device device_;
  bool dropout_;
  Generator masks_;
};

}  // namespace hebb::apps
