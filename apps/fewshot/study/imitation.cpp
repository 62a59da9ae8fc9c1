#include "apps/fewshot/study/imitation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/fewshot/study/batches.hpp"
#include "apps/fewshot/study/network.hpp"
#include "apps/fewshot/study/reference_model.hpp"
#include "core/autograd.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/layout.hpp"
#include "core/ops/reduce.hpp"
#include "core/ops/softmax.hpp"
#include "optim/adam.hpp"

namespace hebb::apps {
namespace {

// A step on a loss that train_step does not know.
void descend(Optimizer& optimizer, const Tensor& loss) {
  loss.backward();
  optimizer.step();
  optimizer.zero_grad();
}

// Points on the lines between random pairs of images.
Tensor interpolate(const Tensor& images, int64_t count, Generator generator) {
  const int64_t n = images.size(0), pixels = images.numel() / n;
  const Tensor points =
      Tensor::empty({count, images.size(1), images.size(2), images.size(3)}, images.options());
  const auto from = images.host<float>();
  const auto to = points.host<float>();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t a = generator.below(n), b = (a + 1 + generator.below(n - 1)) % n;
    const auto share = float(generator.uniform());
    for (int64_t j = 0; j < pixels; ++j)
      to[size_t(i * pixels + j)] =
          share * from[size_t(a * pixels + j)] + (1 - share) * from[size_t(b * pixels + j)];
  }
  return points;
}

// Images moved to where the network differs most from the reference: up the gradient of
// KL(g(x) ‖ f(x)), in which both depend on x.
Tensor ascend(const Tensor& images, const Module& network,
              const GaussianProcessClassifier& reference, const ImitationOptions& options) {
  Tensor x = images.clone();
  x.set_requires_grad();
  Adam adam({{"pseudo_examples", x}}, {.lr = options.ascent_lr});
  std::vector<NamedTensor> parameters = network.parameters();
  for (NamedTensor& parameter : parameters) parameter.tensor.set_requires_grad(false);
  for (int64_t step = 0; step < options.ascent_steps; ++step) {
    Context context;
    const Tensor p = reference.probabilities(x);
    descend(adam, -sum(p * (log(p + 1e-12) - log_softmax(network(x, context)))));
    for (float& pixel : x.host<float>()) pixel = std::clamp(pixel, 0.0f, 1.0f);
  }
  for (NamedTensor& parameter : parameters) parameter.tensor.set_requires_grad();
  return x.detach();
}

// λ2 = λh exp(-log(λh / λb) σ / mean σ)
Tensor fidelity(const std::vector<double>& deviations, const ImitationOptions& options) {
  double mean = 0;
  for (const double deviation : deviations) mean += deviation / double(deviations.size());
  const double slope =
      mean > 0 ? std::log(options.fidelity_high / options.fidelity_mean) / mean : 0;
  std::vector<float> weights;
  weights.reserve(deviations.size());
  for (const double deviation : deviations)
    weights.push_back(float(options.fidelity_high * std::exp(-slope * deviation)));
  return Tensor::from(weights, {std::ssize(weights)});
}

// Indices without end: a new order each time all have been taken.
class Endless {
 public:
  Endless(int64_t n, const Generator& generator) : n_(n), generator_(generator) {}
  std::vector<int64_t> next(int64_t count) {
    std::vector<int64_t> taken;
    for (int64_t i = 0; i < count; ++i) {
      if (order_.empty()) order_ = generator_.permutation(n_);
      taken.push_back(order_.back());
      order_.pop_back();
    }
    return taken;
  }

 private:
  int64_t n_;
  Generator generator_;
  std::vector<int64_t> order_;
};

// Pseudo examples with the reference's answers, more of them in each step.
class PseudoExamples {
 public:
  PseudoExamples(const GaussianProcessClassifier& reference, const ImitationOptions& options)
      : reference_(reference), options_(options) {}

  void add(const Tensor& images) {
    const auto prediction = reference_.predict(images);
    parts_.push_back(images);
    answers_.push_back(prediction.probabilities.to(DType::float32));
    const std::vector<double> newest = prediction.deviation.to_vector<double>();
    deviations_.insert(deviations_.end(), newest.begin(), newest.end());
    x_ = concat(parts_);
    targets_ = concat(answers_);
    weights_ = fidelity(deviations_, options_).reshape({-1, 1});
  }

  int64_t size() const { return x_.size(0); }

  // How far the network's answers are from the reference's.
  Tensor divergence(const Module& network, std::span<const int64_t> indices) const {
    const int64_t count = std::ssize(indices);
    const Tensor rows = Tensor::from(indices, {count});
    Context context{.training = true};
    return kl_divergence(gather_rows(targets_, rows), network(gather_rows(x_, rows), context),
                         gather_rows(weights_, rows).reshape({count}));
  }

 private:
  const GaussianProcessClassifier& reference_;
  const ImitationOptions& options_;
  std::vector<Tensor> parts_, answers_;
  std::vector<double> deviations_;
  Tensor x_, targets_, weights_;
};

// False when asked to stop.
bool imitate(Module& network, const Task& task) {
  const ImitationOptions& options = task.key.imitation;
  const Generator& generator = task.draw.imitation;
  const GaussianProcessClassifier reference = make_reference(task);
  Nadam nadam(network.parameters(), {.lr = task.key.value});
  Endless labelled(task.images.size(), generator.split(labelled_order));
  Generator order = generator.split(pseudo_order);
  const int64_t labelled_batch = std::min(options.labelled_batch, task.images.size());

  Tensor newest =
      interpolate(task.images.images, options.pseudo_examples, generator.split(interpolation));
  PseudoExamples examples(reference, options);
  for (int64_t step = 1; step <= options.steps; ++step) {
    if (step > 1) newest = ascend(newest, network, reference, options);
    examples.add(newest);
    for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
      const std::vector<int64_t> permutation = order.permutation(examples.size());
      for (int64_t begin = 0; begin < examples.size(); begin += options.batch_size) {
        const int64_t count = std::min(options.batch_size, examples.size() - begin);
        const Batch hard = rows_of(task.images, labelled.next(labelled_batch));
        const Tensor soft_loss = examples.divergence(
            network, std::span(permutation).subspan(size_t(begin), size_t(count)));
        Context context{.training = true};
        const Tensor hard_loss = cross_entropy(network(hard.images, context), hard.labels);
        descend(nadam, soft_loss + options.hard_weight * hard_loss);
      }
      if (task.stopped()) return false;
    }
  }
  return true;
}

std::optional<RunResult> imitate_and_test(const Task& task) {
  const std::unique_ptr<Module> network = make_network({&task, 1});
  if (!imitate(*network, task)) return std::nullopt;
  const Batch* const tested = &task.tested;
  return RunResult{.correct = Tester({&task, 1}).correct(*network, {&tested, 1})[0]};
}

std::string settings_of(const RunKey& key) {
  const ImitationOptions& o = key.imitation;
  return reference_settings(key) +
         fmt::format(
             " pseudo-examples={} imitation-steps={} imitation-epochs={} imitation-batch={} "
             "labelled-batch={} hard-weight={} fidelity-high={} fidelity-mean={} ascent-lr={} "
             "ascent-steps={} init={}",
             o.pseudo_examples, o.steps, o.epochs, o.batch_size, o.labelled_batch, o.hard_weight,
             o.fidelity_high, o.fidelity_mean, o.ascent_lr, o.ascent_steps, key.protocol.init);
}

}  // namespace

Method imitation_networks(Method method) {
  method.follows_protocol = false;
  method.on_any_device = false;
  method.settings = settings_of;
  method.run = imitate_and_test;
  return method;
}

}  // namespace hebb::apps
