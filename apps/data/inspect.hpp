#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/tensor.hpp"

namespace hebb::apps {

/// What a file holds.
struct Inspected {
  std::string report;                 ///< Lines: what it is, shapes, counts for each class.
  std::optional<Tensor> images = {};  ///< uint8 [N, C, H, W].
};

/// Of an IDX file, a batch of CIFAR-10 (both packed or not) or a safetensors file. Labels of IDX
/// images are those that lie beside them under MNIST's names. IoError; FormatError for a file that
/// is none of these, or damaged.
Inspected inspect(const std::filesystem::path& path);

}  // namespace hebb::apps
