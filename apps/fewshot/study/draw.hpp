#pragma once

#include <cstdint>
#include <vector>

#include "apps/fewshot/study/run.hpp"
#include "core/random.hpp"

namespace hebb::apps {

/// Draw k of a stage: the same training images, initial weights and order for every method. A draw
/// with fewer shots is a part of the one with more.
struct Draw {
  /// ValueError when the data set is too small.
  Draw(const Dataset& dataset, const RunKey& key);

  /// Indices into the training set, class by class; reports draw from its first five sixths
  /// (50,000 of MNIST's 60,000 images), tuning from the rest.
  std::vector<int64_t> train;
  std::vector<int64_t> validation;  ///< What decides the checkpoint; may be empty.
  std::vector<int64_t> held_out;    ///< What scores a tuning run; empty in reports.
  Generator weights, order, dropout, test_dropout, imitation;
};

}  // namespace hebb::apps
