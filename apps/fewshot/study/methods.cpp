#include <memory>
#include <vector>

#include "apps/fewshot/study/imitation.hpp"
#include "apps/fewshot/study/method.hpp"
#include "apps/fewshot/study/reference_model.hpp"
#include "apps/fewshot/study/supervised.hpp"
#include "regularizers/bean.hpp"
#include "regularizers/l1.hpp"

namespace hebb::apps {
namespace {

Recipe with_lr(double lr, const Protocol&) { return {.lr = lr}; }

Recipe with_dropout(double p, const Protocol& protocol) {
  return {.lr = protocol.lr, .dropout = p};
}

Recipe with_weight_decay(double lambda, const Protocol& protocol) {
  return {.lr = protocol.lr, .weight_decay = lambda};
}

Recipe with_penalty(double strength, const Protocol& protocol) {
  return {.lr = protocol.lr, .strength = strength};
}

std::unique_ptr<Regularizer> l1(double lambda, const Tensor& lambdas, const Protocol&) {
  return std::make_unique<L1>(L1Options{
      .lambda = lambda, .lambdas = lambdas, .scope = PenaltyScope::dense_weights_and_biases});
}

MakePenalty bean(int order) {
  return [order](double alpha, const Tensor& alphas, const Protocol& protocol) {
    return std::make_unique<Bean>(BeanOptions{
        .order = order, .alpha = alpha, .alphas = alphas, .normalization = protocol.normalization});
  };
}

std::vector<Choice<Method>> make_methods() {
  return {
      {"vanilla", supervised({.parameter = "lr",
                              .tuning = {5e-4, {1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3}},
                              .published = 5e-4},
                             with_lr, {.lr = false})},
      {"dropout", supervised({.parameter = "p",
                              .range = {.at_least = 0, .below = 1},
                              .tuning = {0.5, {0.2, 0.3, 0.4, 0.5, 0.6, 0.7}},
                              .published = 0.5},
                             with_dropout, {.dropout_at_test = true})},
      {"weight-decay",
       supervised({.parameter = "lambda", .tuning = {1e-4, {1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2}}},
                  with_weight_decay)},
      {"l1",
       supervised({.parameter = "lambda", .tuning = {1e-4, {1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3}}},
                  with_penalty, {}, l1)},
      {"imitation", imitation_networks({.parameter = "lr",
                                        .tuning = {1e-3, {2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 2e-2}}})},
      {"bean-1", supervised({.parameter = "alpha",
                             .tuning = {100, {10, 30, 100, 300, 1e3, 3e3}},
                             .published_code_tuning = Tuning{10, {0.3, 1, 3, 10, 30, 100}}},
                            with_penalty, {}, bean(1))},
      {"bean-2", supervised({.parameter = "alpha",
                             .tuning = {1e5, {1e4, 3e4, 1e5, 3e5, 1e6, 3e6}},
                             .published_code_tuning = Tuning{100, {3, 10, 30, 100, 300, 1000}}},
                            with_penalty, {}, bean(2))},
      {"gaussian-process", gaussian_process({.in_paper = false})},
  };
}

}  // namespace

const Tuning& Method::tuning_under(Normalization normalization) const {
  const bool published_code = normalization == Normalization::published_code;
  return published_code && published_code_tuning ? *published_code_tuning : tuning;
}

const Choices<Method>& known_methods() {
  static const Choices<Method> methods("method", make_methods());
  return methods;
}

}  // namespace hebb::apps
