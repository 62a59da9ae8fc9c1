#include "apps/common/normalization.hpp"

#include <nlohmann/json.hpp>

#include "apps/common/json.hpp"
#include "core/check.hpp"

namespace hebb::apps {
namespace {

constexpr const char* key = "normalize";

}  // namespace

void write_normalization(std::map<std::string, std::string>& metadata, const Normalize& normalize) {
  metadata[key] = Json{{"mean", normalize.mean}, {"deviation", normalize.deviation}}.dump();
}

Transform read_normalization(const std::map<std::string, std::string>& metadata) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return {};
  try {
    const Json json = Json::parse(found->second);
    return Normalize{json.at("mean"), json.at("deviation")};
  } catch (const Json::exception&) {
    fail<FormatError>("[weights] expected a mean and a deviation for each channel, got {}",
                      found->second);
  }
}

}  // namespace hebb::apps
