#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/api.hpp"

/// How well two labelings of the same items agree, such as the assemblies of neurons and their
/// most selective classes. Labels are any integers; take out beforehand what has none (dead
/// neurons). ShapeError when the labelings differ in length or are empty.
namespace HEBB_API hebb {

/// Adjusted Rand index (Hubert & Arabie 1985): 1 for the same partition, 0 expected by chance; may
/// be negative.
double adjusted_rand_index(std::span<const int64_t> a, std::span<const int64_t> b);

/// Mutual information over the arithmetic mean of the two entropies, in [0, 1]; 1 when both have a
/// single label.
double normalized_mutual_information(std::span<const int64_t> a, std::span<const int64_t> b);

/// The share of items that carry the commonest class of their cluster, in (0, 1]. Grows with the
/// number of clusters, and is 1 by itself when there is a single class.
double purity(std::span<const int64_t> clusters, std::span<const int64_t> classes);

/// The commonest class of each cluster, clusters in ascending order of their labels; the lowest of
/// equals.
std::vector<int64_t> majority_classes(std::span<const int64_t> clusters,
                                      std::span<const int64_t> classes);

}  // namespace hebb
