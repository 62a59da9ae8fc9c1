#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "core/api.hpp"
#include "core/tensor.hpp"

/// Tensors on disk in the safetensors format: eight bytes with the header's length, a JSON header
/// with each tensor's name, element type, shape and place, and the bare elements.
namespace HEBB_API hebb {

struct SafetensorsFile {
  std::map<std::string, Tensor> tensors;        ///< On the CPU.
  std::map<std::string, std::string> metadata;  ///< Free text, "__metadata__" in the file.
};

/// Writes tensors of any device and type. The file appears complete or not at all; IoError when it
/// cannot be written, ValueError for an undefined tensor or a name that is not UTF-8.
void save_safetensors(const std::filesystem::path& path,
                      const std::map<std::string, Tensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

/// Reads F64, F32, BF16, I64, U8, and I32 as int64. IoError when the file cannot be read,
/// FormatError for anything that the format does not allow: the header must fit the file and name
/// every key once, and the tensors must fill the rest of the file without gaps or overlaps. Memory
/// is taken for what the file holds, never for what its header claims.
SafetensorsFile load_safetensors(const std::filesystem::path& path);

/// The same from memory; `name` stands for the file in messages.
SafetensorsFile parse_safetensors(std::span<const std::byte> bytes, std::string_view name);

}  // namespace hebb
