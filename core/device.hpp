#pragma once

#include <string>
#include <string_view>

#include "core/api.hpp"

namespace HEBB_API hebb {

/// Where a tensor's memory lives: `cpu`, or `cuda:0`, `cuda:1`, ...
struct Device {
  enum class Kind : unsigned char { cpu, cuda };
  Kind kind = Kind::cpu;
  int index = 0;

  static Device cpu() { return {}; }
  static Device cuda(int index = 0) { return {Kind::cuda, index}; }
  /// Reads "cpu", "cuda" or "cuda:N"; anything else is a ValueError that names these.
  static Device parse(std::string_view text);

  bool is_cpu() const { return kind == Kind::cpu; }
  std::string to_string() const;
  friend bool operator==(const Device&, const Device&) = default;
};

/// How many CUDA devices this machine has; 0 where there is no driver, and in builds without CUDA.
int cuda_device_count();

}  // namespace hebb
