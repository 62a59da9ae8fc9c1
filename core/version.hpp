#pragma once

#include <string_view>

namespace hebb {

/// The version of the library: "0.1.0".
std::string_view version();

}  // namespace hebb
