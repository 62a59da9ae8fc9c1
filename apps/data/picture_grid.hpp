#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/tensor.hpp"

namespace hebb::apps {

/// Pixels of three bytes (red, green, blue), row by row.
struct Pixels {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> rgb = {};
};

/// The first images of uint8 [N, C, H, W], C 1 or 3, in rows of `columns`, one pixel apart.
/// ShapeError for other numbers of channels.
Pixels make_grid(const Tensor& images, int64_t count, int64_t columns);

/// For a terminal with 24-bit colours, two pixels to a character; or without colours, in characters
/// from light to dark, a pixel and the one below it to each.
std::string to_text(const Pixels& pixels, bool colours);

/// Writes a PNG file, which appears whole. IoError.
void write_png(const std::filesystem::path& path, const Pixels& pixels);

}  // namespace hebb::apps
