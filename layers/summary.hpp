#pragma once

#include <string>
#include <vector>

#include "core/api.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// What a model consists of, for one sample.
struct Summary {
  struct Row {
    std::string path;         ///< Where the layer stands in the model.
    std::string description;  ///< "Linear(400, 120)"
    Shape output;             ///< Without the axis of samples.
    int64_t parameters = 0;
    int64_t multiply_adds = 0;
  };
  std::vector<Row> rows;  ///< Modules without children, in the order of their passes.
  int64_t parameters = 0;
  int64_t multiply_adds = 0;

  std::string to_string() const;  ///< A table with a line for each row and the sums.
};

/// Runs one inference pass on zeros of `input` (the shape of one sample, without the axis of
/// samples) and notes every layer that it meets.
Summary summary(const Module& model, const Shape& input);

}  // namespace hebb
