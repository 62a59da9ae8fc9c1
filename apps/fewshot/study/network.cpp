#include "apps/fewshot/study/network.hpp"

#include <algorithm>

#include "apps/fewshot/study/batches.hpp"
#include "core/autograd.hpp"
#include "core/ops/reduce.hpp"
#include "layers/models/registry.hpp"

namespace hebb::apps {

std::unique_ptr<Module> make_network(const Task& task, double dropout) {
  std::unique_ptr<Module> network =
      make_model("lenet5", {.input = task.dataset.images.shape().without(0),
                            .classes = task.dataset.classes,
                            .dropout = dropout,
                            .init = Initializer::parse(task.key.protocol.init),
                            .generator = task.draw.weights});
  network->to(task.key.device);
  return network;
}

Tester::Tester(const Task& task)
    : device_(task.key.device),
      dropout_(task.key.protocol.dropout_at_test),
      masks_(task.draw.test_dropout) {}

int64_t Tester::correct(const Module& network, const Batch& images) {
  constexpr int64_t slice = 100;
  const NoGrad no_grad;
  Context context{.generator = &masks_,
                  .dropout = dropout_ ? Context::Dropout::on : Context::Dropout::off};
  int64_t sum = 0;
  for (int64_t begin = 0; begin < images.size(); begin += slice) {
    const int64_t end = std::min(begin + slice, images.size());
    const Batch slice_of =
        moved({images.images.slice(begin, end), images.labels.slice(begin, end)}, device_);
    const Tensor logits = network(slice_of.images, context);
    sum += int64_t(count_equal(argmax(logits, 1), slice_of.labels).item());
  }
  return sum;
}

}  // namespace hebb::apps
