#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/api.hpp"
#include "core/choice.hpp"
#include "data/dataset.hpp"

namespace HEBB_API hebb {

struct CatalogOptions {
  /// Folder of the data sets; empty: the environment variable HEBB_DATA, and where that is not set,
  /// hebb/data in the user's cache folder ($XDG_CACHE_HOME or ~/.cache).
  std::string root = {};
  int64_t digits_train = 60'000;  ///< Samples of `digits` to train with.
  int64_t digits_test = 10'000;  ///< Samples of `digits` to test with: the same for any other size.
  uint64_t digits_seed = 0;
};

using LoadDataset = DataPair (*)(const CatalogOptions&);
/// What load_dataset knows: "mnist", "fashion-mnist", "cifar10", "digits".
const Choices<LoadDataset>& known_datasets();

/// The folder in which load_dataset looks, as CatalogOptions::root says.
std::string data_root(const std::string& root = {});

/// Where load_dataset finds a file of a data set, such as "train-images-idx3-ubyte", packed or not.
std::optional<std::string> find_data_file(const std::string& dataset, const std::string& file,
                                          const std::string& root = {});

/// Loads a data set by name, from ROOT/NAME or from ROOT itself. `digits` is made in memory and
/// needs no file. `cifar10` takes the training batches that are there, and says in its description
/// how many. ValueError for an unknown name; IoError when files are absent, saying which ones are
/// looked for where and how to get them; FormatError when they are damaged.
DataPair load_dataset(std::string_view name, const CatalogOptions& options = {});

}  // namespace hebb
