#pragma once

#include <nlohmann/json_fwd.hpp>

namespace hebb::apps {

/// Keys stay in their order. Sources that do more than hand it on include <nlohmann/json.hpp>.
using Json = nlohmann::ordered_json;

}  // namespace hebb::apps
