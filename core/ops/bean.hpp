#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// BEAN's penalty of one dense layer (Gao, Ascoli and Zhao, Eq. 1, 3, 5 and 7):
///
///   scale / divisor / (S N²) Σ_s Σ_ij A_ij d(h_si, h_sj)
///
/// for activations h [S, N] that enter the layer and weight [M, N] (row m: the weights into neuron
/// m of the next layer), with F = |tanh(gamma Wᵀ)| [N, M], A = F Fᵀ for order 1 and its elementwise
/// square for order 2. A and its S×N×N product with d are never formed; see
/// docs/architecture.md. Or for each of R replicas, h [R, S, N] and weight [R, M, N]: penalties
/// [R], with a scale of its own in place of the kernel's where `scales`, float64 [R], are given.
/// Differentiable in h and weight. ValueError for another order, a gamma that is not above 0, or no
/// samples or neurons.
Tensor bean_penalty(const Tensor& h, const Tensor& weight, const BeanKernel& kernel = {},
                    const Tensor& scales = {});

}  // namespace hebb
