#pragma once

#include <string_view>

#include "core/api.hpp"

namespace HEBB_API hebb {

/// The version of the library: "0.1.0".
std::string_view version();

}  // namespace hebb
