#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/api.hpp"
#include "data/dataset.hpp"

namespace HEBB_API hebb {

/// Reads a batch of CIFAR-10's binary version (records of 3,073 bytes: the label, then 32 × 32 red,
/// green and blue values, https://www.cs.toronto.edu/~kriz/cifar.html), packed with gzip or not,
/// as images [N, 3, 32, 32]. `records` is how many the file must hold (the published batches have
/// 10,000), 0 for any number.
///
/// IoError when the file cannot be opened or read; FormatError, with the file and the byte offset
/// in the unpacked stream, for a label over 9, a record that is cut off, or another number of
/// records.
Dataset read_cifar10(const std::string& path, int64_t records = 0);

/// The same for the bytes of an unpacked batch in memory; `name` stands for it in messages.
Dataset parse_cifar10(std::span<const std::byte> bytes, std::string_view name, int64_t records = 0);

}  // namespace hebb
