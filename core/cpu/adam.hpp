#pragma once

#include <cstdint>

/// Optimiser updates in one pass over the memory, each with the formula that PyTorch has.
namespace hebb::cpu::HEBB_ISA {

struct AdamStep {
  double lr, beta1, beta2, epsilon;
  double bias_correction1, bias_correction2;  ///< 1 - beta1^t and 1 - beta2^t
  double weight_decay = 0;
  bool decoupled = false;  ///< AdamW: the decay shrinks the parameter and not the gradient
};

/// Adam (Kingma and Ba 2015): m and v are the moving averages of the gradient and its square, and
/// param -= lr / bias_correction1 * m / (sqrt(v) / sqrt(bias_correction2) + epsilon).
template <class T>
void adam_update(int64_t n, T* param, const T* grad, T* m, T* v, const AdamStep& step);

struct NAdamStep {
  double lr, beta1, beta2, epsilon;
  double bias_correction2;  ///< 1 - beta2^t
  double mu, mu_next;       ///< beta1 (1 - 0.96^(psi t) / 2) at t and at t + 1
  double mu_product;        ///< the product of all mu up to this step's
  double weight_decay = 0;
  bool decoupled = false;
};

/// NAdam (Dozat 2016): Adam with Nesterov's look-ahead, param -= lr (
///   (1 - mu) / (1 - mu_product) grad + mu_next / (1 - mu_product mu_next) m) /
///   (sqrt(v / bias_correction2) + epsilon).
template <class T>
void nadam_update(int64_t n, T* param, const T* grad, T* m, T* v, const NAdamStep& step);

struct SgdStep {
  double lr, momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
  bool first = false;    ///< the momentum buffer is still empty: it becomes the gradient
  double dampening = 0;  ///< takes this share of the gradient away from the momentum buffer
};

/// buffer = momentum buffer + (1 - dampening) grad; param -= lr buffer, or
/// lr (grad + momentum buffer) with Nesterov. The buffer may be null when momentum is 0.
template <class T>
void sgd_update(int64_t n, T* param, const T* grad, T* momentum_buffer, const SgdStep& step);

}  // namespace hebb::cpu::HEBB_ISA
