#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/api.hpp"
#include "core/random.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// Labelled images, as they were stored: nothing is scaled before a Loader makes batches.
struct Dataset {
  Tensor images;            ///< uint8 [N, C, H, W] on the CPU, 0..255.
  Tensor labels;            ///< int64 [N] on the CPU, each in [0, classes).
  int64_t classes = 0;      ///< Number of classes.
  std::string name;         ///< "mnist", "cifar10", ...
  std::string description;  ///< Where it comes from, for reports.

  int64_t size() const { return images.defined() ? images.size(0) : 0; }
  /// Copies the samples with these indices, in this order; ValueError when one is out of range.
  Dataset subset(std::span<const int64_t> indices) const;
  /// Samples per class.
  std::vector<int64_t> class_counts() const;
};

struct DataPair {
  Dataset train, test;
};

/// ShapeError or DTypeError unless images and labels are as `Dataset` says and of one length,
/// ValueError when a label is not in [0, classes).
void check_dataset(const Dataset& dataset);

/// The samples of all parts, one part after the other; name, classes and description are the
/// first one's. ShapeError when the images differ in shape, ValueError when there is no part.
Dataset concatenate(std::span<const Dataset> parts);

/// Two disjoint sets of sample indices that together are all samples, each in ascending order.
struct Split {
  std::vector<int64_t> train, validation;
};

/// Holds `validation` of `samples` indices out, chosen at random.
/// ValueError unless 0 <= validation <= samples.
Split validation_split(int64_t samples, int64_t validation, Generator generator);

/// The first `count` indices of a shuffle of `samples`, in that order.
/// ValueError unless 0 <= count <= samples.
std::vector<int64_t> random_subset(int64_t samples, int64_t count, Generator generator);

}  // namespace hebb
