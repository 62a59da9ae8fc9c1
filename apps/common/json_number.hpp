#pragma once

#include <cstdint>

#include "apps/common/json.hpp"
#include "core/number.hpp"

namespace hebb::apps {

/// The number that an object of a file has under a key. FormatError, with the key and what stands
/// there, for none, or one out of the range or of what the type holds.
int64_t read_integer(const Json& object, const char* key, const Range& range = {});
double read_number(const Json& object, const char* key, const Range& range = {});

}  // namespace hebb::apps
