#pragma once

#include <cstdint>

#include "core/backend.hpp"

/// Optimiser updates in one pass over the memory, each with the formula that PyTorch has.
namespace hebb::cpu::HEBB_ISA {

/// Adam (Kingma and Ba 2015): m and v are the moving averages of the gradient and its square, and
/// param -= lr / bias_correction1 * m / (sqrt(v) / sqrt(bias_correction2) + epsilon).
template <class T>
void adam_update(int64_t n, T* param, const T* grad, T* m, T* v, const AdamStep& step);

/// NAdam (Dozat 2016): Adam with Nesterov's look-ahead, param -= lr (
///   (1 - mu) / (1 - mu_product) grad + mu_next / (1 - mu_product mu_next) m) /
///   (sqrt(v / bias_correction2) + epsilon).
template <class T>
void nadam_update(int64_t n, T* param, const T* grad, T* m, T* v, const NadamStep& step);

/// buffer = momentum buffer + (1 - dampening) grad; param -= lr buffer, or
/// lr (grad + momentum buffer) with Nesterov. The buffer may be null when momentum is 0.
template <class T>
void sgd_update(int64_t n, T* param, const T* grad, T* momentum_buffer, const SgdStep& step);

}  // namespace hebb::cpu::HEBB_ISA
