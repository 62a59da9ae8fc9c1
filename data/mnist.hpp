#pragma once

#include <string>

#include "core/api.hpp"
#include "data/dataset.hpp"

namespace HEBB_API hebb {

/// Reads a pair of IDX files in MNIST's layout: uint8 images [N, H, W] and uint8 labels [N], here
/// [N, 1, H, W] and int64 [N]. Throws what read_idx throws, and FormatError when the two files are
/// not such a pair or a label is not in [0, classes).
Dataset read_mnist(const std::string& images_path, const std::string& labels_path,
                   int64_t classes = 10);

/// Writes images of one channel and their labels as such a pair, packed where a name ends in
/// ".gz". ShapeError when the images have more channels, ValueError for labels over 255, IoError.
void write_mnist(const Dataset& dataset, const std::string& images_path,
                 const std::string& labels_path);

}  // namespace hebb
