#include "core/version.hpp"

namespace hebb {

std::string_view version() { return HEBB_VERSION; }

}  // namespace hebb
