#pragma once

#include <string>

#include "apps/data/published.hpp"

namespace hebb::apps {

/// A line for each data set: whether its files are on this machine, and where.
std::string list_datasets(const std::string& root);

/// How the files of a data set on this machine compare with what was published.
struct Verified {
  std::string report;  ///< A line for each file.
  int wrong = 0;       ///< How many are others or absent.
};
Verified verify(const Published& dataset, const std::string& root);

}  // namespace hebb::apps
