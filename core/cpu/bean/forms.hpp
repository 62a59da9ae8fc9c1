#pragma once

#include "core/cpu/kernels.hpp"

/// BEAN's penalty of one dense layer, Σ_s Σ_ij A_ij d(h_si, h_sj) times a factor, and its
/// derivatives, in forms that all take F = |tanh(gamma W)| as it lies in memory, one row f_m
/// for each of the M targets. No form subtracts large sums from each other, so that float32 loses
/// nothing when activations agree or share an offset.
namespace hebb::cpu::HEBB_ISA {

/// Order 1, squared divergence. Σ_ij f_mi f_mj (h_i - h_j)² = 2 u_m Σ_i f_mi (h_i - μ_m)² with
/// u_m = Σ_i f_mi: each target pulls its neurons to their weighted mean μ_m. O(S N M).
template <class T>
double bean_order1(const BeanLayer<T>& layer);

/// Order 1, absolute divergence: running sums over each sample's sorted neurons.
/// O(S N (log N + M)).
template <class T>
double bean_order1_absolute(const BeanLayer<T>& layer);

/// Order 2 by pairs of targets: (F Fᵀ)∘(F Fᵀ) = G Gᵀ where G has a column f_m∘f_n for each pair of
/// targets, so this is order 1 with M (M + 1) / 2 targets. Squared divergence. O(S N M²).
template <class T>
double bean_order2_by_targets(const BeanLayer<T>& layer);

/// Order 2 by pairs of neurons, any divergence: each neuron pulls the others with the force K_ij²,
/// K = F Fᵀ. Pairs of silent neurons (h = 0 in all samples) add nothing and are left out.
/// O((S + M) a N) for a active neurons, and N² memory.
template <class T>
double bean_order2_by_neurons(const BeanLayer<T>& layer, Divergence divergence);

/// The same for one sample on AMX's tiles (core/cpu/simd/amx.hpp), where this instruction set has
/// them.
double bean_order2_on_tiles(const BeanLayer<float>& layer, Divergence divergence);

/// How many neurons are not silent.
template <class T>
int64_t count_active(const BeanLayer<T>& layer);

}  // namespace hebb::cpu::HEBB_ISA
