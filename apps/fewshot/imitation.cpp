#include "apps/fewshot/imitation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/autograd.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/layout.hpp"
#include "core/ops/reduce.hpp"
#include "core/ops/softmax.hpp"
#include "optim/adam.hpp"

namespace hebb::apps {
namespace {

// What the random numbers of an imitation are for.
enum Purpose : uint64_t { kernels, interpolation, pseudo_order, labelled_order };

Tensor to_tensor(std::span<const int64_t> indices) {
  return Tensor::from(indices, {std::ssize(indices)});
}

Batch rows_of(const Batch& batch, std::span<const int64_t> indices) {
  std::vector<int64_t> labels;
  for (const int64_t i : indices) labels.push_back(batch.labels.host<int64_t>()[size_t(i)]);
  return {gather_rows(batch.images, to_tensor(indices)), to_tensor(labels)};
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
Tensor ascend(const Tensor& images, const Module& model, const GaussianProcessClassifier& reference,
              const ImitationOptions& options) {
  Tensor x = images.clone();
  x.set_requires_grad();
  Adam adam({{"pseudo_examples", x}}, {.lr = options.ascent_lr});
  std::vector<NamedTensor> parameters = model.parameters();
  for (NamedTensor& parameter : parameters) parameter.tensor.set_requires_grad(false);
  for (int64_t step = 0; step < options.ascent_steps; ++step) {
    Context context;
    const Tensor p = reference.probabilities(x);
    const Tensor divergence = sum(p * (log(p + 1e-12) - log_softmax(model(x, context))));
    (-divergence).backward();
    adam.step();
    adam.zero_grad();
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
  for (const double deviation : deviations)
    weights.push_back(float(options.fidelity_high * std::exp(-slope * deviation)));
  return Tensor::from(weights, {std::ssize(weights)});
}

// Draws without end: a new order each time all have been drawn.
class Endless {
 public:
  Endless(int64_t n, const Generator& generator) : n_(n), generator_(generator) {}
  std::vector<int64_t> next(int64_t count) {
    std::vector<int64_t> drawn;
    for (int64_t i = 0; i < count; ++i) {
      if (order_.empty()) order_ = generator_.permutation(n_);
      drawn.push_back(order_.back());
      order_.pop_back();
    }
    return drawn;
  }

 private:
  int64_t n_;
  Generator generator_;
  std::vector<int64_t> order_;
};

GaussianProcessClassifier make_reference(const Batch& images, int64_t classes,
                                         const ImitationOptions& options, Generator generator) {
  const double scale = median_distance(images.images);
  GaussianProcessOptions gp{.starts = {},
                            .evaluations = options.gp_evaluations,
                            .search_rows = options.gp_rows,
                            .min_variance = 1,
                            .max_variance = 1e4,
                            .min_length_scale = 0.5 * scale,
                            .max_length_scale = 10 * scale};
  for (int64_t i = 0; i < options.gp_starts; ++i)
    gp.starts.push_back(
        {.variance = std::exp(generator.uniform(std::log(1.0), std::log(100.0))),
         .length_scale = scale * std::exp(generator.uniform(std::log(0.5), std::log(2.0)))});
  return {images.images, images.labels, classes, gp};
}

}  // namespace

std::string ImitationOptions::text(bool all) const {
  std::string text =
      fmt::format(" gp-starts={} gp-evaluations={} gp-rows={}", gp_starts, gp_evaluations, gp_rows);
  if (!all) return text;
  return text + fmt::format(
                    " pseudo-examples={} imitation-steps={} imitation-epochs={} "
                    "imitation-batch={} labelled-batch={} hard-weight={} fidelity-high={} "
                    "fidelity-mean={} ascent-lr={} ascent-steps={}",
                    pseudo_examples, steps, epochs, batch_size, labelled_batch, hard_weight,
                    fidelity_high, fidelity_mean, ascent_lr, ascent_steps);
}

ReferenceModel::ReferenceModel(const Batch& images, int64_t classes,
                               const ImitationOptions& options, const Generator& generator)
    : process_(make_reference(images, classes, options, generator.split(kernels))) {}

int64_t ReferenceModel::correct(const Batch& images) const {
  constexpr int64_t slice = 500;
  const NoGrad no_grad;
  int64_t sum = 0;
  for (int64_t begin = 0; begin < images.size(); begin += slice) {
    const int64_t end = std::min(begin + slice, images.size());
    const Tensor answers = argmax(process_.probabilities(images.images.slice(begin, end)), 1);
    sum += int64_t(count_equal(answers, images.labels.slice(begin, end)).item());
  }
  return sum;
}

bool imitate(Module& model, const Batch& images, int64_t classes, double lr,
             const ImitationOptions& options, const Generator& generator,
             const std::function<bool()>& stop_requested) {
  const ReferenceModel model_of_reference(images, classes, options, generator);
  const GaussianProcessClassifier& reference = model_of_reference.process();
  Nadam nadam(model.parameters(), {.lr = lr});
  Endless labelled(images.size(), generator.split(labelled_order));
  Generator order = generator.split(pseudo_order);
  const int64_t labelled_batch = std::min(options.labelled_batch, images.size());

  Tensor newest =
      interpolate(images.images, options.pseudo_examples, generator.split(interpolation));
  std::vector<Tensor> examples, answers;
  std::vector<double> deviations;
  for (int64_t step = 1; step <= options.steps; ++step) {
    if (step > 1) newest = ascend(newest, model, reference, options);
    const auto prediction = reference.predict(newest);
    examples.push_back(newest);
    answers.push_back(prediction.probabilities.to(DType::float32));
    const std::vector<double> newest_deviations = prediction.deviation.to_vector<double>();
    deviations.insert(deviations.end(), newest_deviations.begin(), newest_deviations.end());
    const Tensor x = concat(examples), targets = concat(answers),
                 weights = fidelity(deviations, options).reshape({-1, 1});

    for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
      const std::vector<int64_t> permutation = order.permutation(x.size(0));
      for (int64_t begin = 0; begin < x.size(0); begin += options.batch_size) {
        const int64_t count = std::min(options.batch_size, x.size(0) - begin);
        const Tensor rows = to_tensor(std::span(permutation).subspan(size_t(begin), size_t(count)));
        const Batch hard = rows_of(images, labelled.next(labelled_batch));
        Context context{.training = true};
        const Tensor soft_loss =
            kl_divergence(gather_rows(targets, rows), model(gather_rows(x, rows), context),
                          gather_rows(weights, rows).reshape({count}));
        const Tensor hard_loss = cross_entropy(model(hard.images, context), hard.labels);
        (soft_loss + options.hard_weight * hard_loss).backward();
        nadam.step();
        nadam.zero_grad();
      }
      if (stop_requested && stop_requested()) return false;
    }
  }
  return true;
}

}  // namespace hebb::apps
