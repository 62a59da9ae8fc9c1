#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/api.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// The weights with which each neuron that enters a dense layer reaches the next ones: the
/// transpose [N, M] of the layer's weight [M, N], as float64 on the CPU. Its rows are the points
/// of the weight space in which assemblies are found.
Tensor outgoing_weights(const Tensor& weight);

struct CorrelationOptions {
  int order = 1;     ///< 1 (Eq. 5) or 2 (Eq. 7).
  double gamma = 1;  ///< Curvature of |tanh(γ w)|, Eq. 3.
};

/// BEAN's layer-wise neuron correlation A, float64 [N, N], of neurons with outgoing weights
/// W [N, M] (see outgoing_weights). With f(W) = |tanh(γ W)|, order 1 is f fᵀ / M, and order 2 its
/// elementwise square, (f fᵀ) ⊙ (f fᵀ) / M². ValueError for another order.
Tensor neuron_correlation(const Tensor& outgoing, const CorrelationOptions& options = {});

/// The neurons sorted by their assembly, in ascending order of the labels; neurons of one assembly
/// keep their order.
std::vector<int64_t> assembly_order(std::span<const int64_t> labels);

/// Rows of `matrix` in the given order. ValueError for a row that is not there.
Tensor reorder_rows(const Tensor& matrix, std::span<const int64_t> order);
/// Rows and columns of a square matrix in the given order, as in Fig. 6(a). Float64 on the CPU.
Tensor reorder(const Tensor& matrix, std::span<const int64_t> order);

}  // namespace hebb
