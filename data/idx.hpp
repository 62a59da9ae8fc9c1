#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "core/api.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// Reads an IDX file (the format of MNIST: two zero bytes, a type code, the rank, the extents as
/// big-endian 32-bit numbers, the elements row by row), packed with gzip or not. Type codes 0x08
/// (uint8), 0x0D (float32) and 0x0E (float64), ranks up to Shape::max_rank.
///
/// IoError when the file cannot be opened or read. FormatError, with the file and the byte offset
/// in the unpacked stream, when its bytes are anything but exactly what the header says; a header
/// that promises more than the file holds does not make it take that much memory.
Tensor read_idx(const std::string& path);

/// The same for the bytes of an unpacked IDX file in memory; `name` stands for it in messages.
Tensor parse_idx(std::span<const std::byte> bytes, std::string_view name);

/// Writes a uint8, float32 or float64 tensor as an IDX file, packed when the name ends in ".gz".
/// The file appears under its name when it is complete. DTypeError for other element types,
/// IoError when it cannot be written (nothing is left behind then).
void write_idx(const std::string& path, const Tensor& tensor);

}  // namespace hebb
