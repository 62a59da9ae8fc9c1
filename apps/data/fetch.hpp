#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/data/download.hpp"
#include "apps/data/published.hpp"

namespace hebb::apps {

struct FetchOptions {
  std::string mirror = {};  ///< A folder in the web to take the files from, instead of their homes.
  DownloadOptions download = {};
  bool quiet = false;  ///< No bar.
};

/// Puts what lacks of a data set into its folder in `root`: each file appears there whole and as it
/// was published, or not at all. False when it was stopped; the next call goes on from there.
/// IoError, FormatError; Error where this build cannot fetch.
bool fetch(const Published& dataset, const std::filesystem::path& root,
           const FetchOptions& options = {});

}  // namespace hebb::apps
