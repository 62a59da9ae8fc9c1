#include "apps/fewshot/study/reference_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/autograd.hpp"
#include "core/ops/reduce.hpp"

namespace hebb::apps {
namespace {

std::optional<RunResult> learn_and_test(const Task& task) {
  constexpr int64_t slice = 500;
  const GaussianProcessClassifier reference = make_reference(task);
  const Batch& tested = task.tested;
  const NoGrad no_grad;
  RunResult result;
  for (int64_t begin = 0; begin < tested.size(); begin += slice) {
    const int64_t end = std::min(begin + slice, tested.size());
    const Tensor answers = argmax(reference.probabilities(tested.images.slice(begin, end)), 1);
    result.correct += int64_t(count_equal(answers, tested.labels.slice(begin, end)).item());
  }
  return result;
}

}  // namespace

GaussianProcessClassifier make_reference(const Task& task) {
  const ImitationOptions& options = task.key.imitation;
  const double scale = median_distance(task.images.images);
  GaussianProcessOptions gp{.starts = {},
                            .evaluations = options.gp_evaluations,
                            .search_rows = options.gp_rows,
                            .min_variance = 1,
                            .max_variance = 1e4,
                            .min_length_scale = 0.5 * scale,
                            .max_length_scale = 10 * scale};
  Generator generator = task.draw.imitation.split(kernels);
  for (int64_t i = 0; i < options.gp_starts; ++i)
    gp.starts.push_back(
        {.variance = std::exp(generator.uniform(std::log(1.0), std::log(100.0))),
         .length_scale = scale * std::exp(generator.uniform(std::log(0.5), std::log(2.0)))});
  return {task.images.images, task.images.labels, task.dataset.classes, gp};
}

std::string reference_settings(const RunKey& key) {
  const ImitationOptions& o = key.imitation;
  return fmt::format(" gp-starts={} gp-evaluations={} gp-rows={}", o.gp_starts, o.gp_evaluations,
                     o.gp_rows);
}

Method gaussian_process(Method method) {
  method.follows_protocol = false;
  method.on_any_device = false;
  method.settings = reference_settings;
  method.run = learn_and_test;
  return method;
}

}  // namespace hebb::apps
