#pragma once

#include "core/cpu/bean/strength.hpp"

namespace hebb::cpu::HEBB_ISA {

/// What the targets' pull is added up in: the activations less each sample's mean, which changes
/// no difference but keeps their common part out of the weighted means.
template <class T>
struct Spread {
  explicit Spread(const BeanLayer<T>& layer);

  /// Σ_r c_r u_r Σ_s Σ_i f_ri (h_si - μ_sr)² for rows f [rows, width], and its derivative df;
  /// adds half of the derivative to h to `force`.
  double add(int64_t rows, const T* f, const T* c, T* df);

  /// dh = factor force, without the padding.
  void write(double factor, T* dh) const;

  int64_t samples, neurons, width;
  Scratch<T> h, force;

 private:
  void centres(int64_t rows, const T* f, const T* u, T* centre);
};

/// How many rows a form hands to `add` at a time: few stay in the nearest cache; many samples make
/// up for a bigger block.
constexpr int64_t block_rows(int64_t samples) { return samples < 16 ? 8 : 64; }

}  // namespace hebb::cpu::HEBB_ISA
