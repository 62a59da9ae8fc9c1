#pragma once

#include <span>
#include <string>
#include <vector>

#include "layers/context.hpp"
#include "regularizers/scope.hpp"

/// Internal: what the regularizers share.
namespace hebb {

bool matches_any(std::span<const std::string> patterns, const DenseTap& tap);
/// ValueError, which lists the taps, for a pattern that matches none.
void check_layers(const char* where, std::span<const std::string> patterns,
                  std::span<const DenseTap> taps);

/// Whether an earlier tap has the weight of taps[i] too, as when a layer runs twice in one pass.
bool seen_before(std::span<const DenseTap> taps, size_t i);

/// total += term, where an undefined total is zero.
void add_term(Tensor& total, const Tensor& term);

/// The axes of a tensor but that of replicas, if there are any; none: all of them.
std::vector<int> own_axes(const Tensor& x, int64_t replicas);

/// Σ norm(w) over the scope's parameters, each once; undefined for none. Of replicas each its own,
/// [R]; where there are any, the taps say.
Tensor sum_over(PenaltyScope scope, std::span<const DenseTap> taps,
                std::span<const NamedTensor> parameters,
                Tensor (*norm)(const Tensor&, std::span<const int> axes));

/// A sum of a network by its strength, or [R] of replicas, each by its own where there are any.
Tensor times(const Tensor& sum, double strength, const Tensor& strengths);
/// As names have it: "10", or "10+30" for replicas.
std::string strength_text(double strength, const Tensor& strengths);
/// ValueError unless `value` is finite and at least 0, or all_parameters comes with none.
void check_strength(const char* where, const char* what, double value);
/// And the same of each of replicas, float64 [R], which may be undefined.
void check_strengths(const char* where, const char* what, const Tensor& strengths);
void check_scope(const char* where, PenaltyScope scope, std::span<const NamedTensor> parameters);

}  // namespace hebb
