#pragma once

#include <map>
#include <string>

#include "data/transforms.hpp"

namespace hebb::apps {

/// Writes into a network's metadata how the pixels were normalised that it was trained on.
void write_normalization(std::map<std::string, std::string>& metadata, const Normalize& normalize);

/// What `write_normalization` wrote, or no transform where it did not. FormatError for what is no
/// normalisation.
Transform read_normalization(const std::map<std::string, std::string>& metadata);

}  // namespace hebb::apps
