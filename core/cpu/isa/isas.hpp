#pragma once

#include <span>
#include <string_view>

#include "core/backend.hpp"

namespace hebb::cpu {

/// One compilation of the CPU backend.
struct Isa {
  std::string_view name;
  Backend& (*backend)();
};

std::span<const Isa> isas();  ///< Worst first.

}  // namespace hebb::cpu
