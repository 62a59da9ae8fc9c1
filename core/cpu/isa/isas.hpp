#pragma once

#include <span>
#include <string_view>

#include "core/cpu/kernels.hpp"

namespace hebb::cpu {

/// One compilation of the kernels, float64's of another one perhaps. "amx" is v4's with `tiles`.
struct Isa {
  std::string_view name;
  Kernels<float> (*float32)(bool tiles);
  Kernels<double> (*float64)();
  Bfloat16Kernels (*bfloat16)();  ///< May be null.
  bool tiles;
};

std::span<const Isa> isas();  ///< Worst first.

/// The best of them that this machine's processor can run, or the one of the name `wanted`, which
/// may be null; DeviceError when there is none.
const Isa& select_isa(const char* wanted);

}  // namespace hebb::cpu
