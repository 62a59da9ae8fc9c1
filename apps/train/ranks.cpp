#include "apps/train/ranks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "apps/common/app.hpp"
#include "apps/train/settings.hpp"
#include "core/serialize.hpp"

namespace hebb::apps {

namespace {

// "cuda:1 (...)" as "cuda (...)": ranks have GPUs of other numbers.
Json without_number(const std::string& key, Json value) {
  if ((key != "device" && key != "backend") || !value.is_string()) return value;
  std::string text = value;
  const size_t end = text.find(' ');
  if (const size_t colon = text.find(':'); colon < end) text.erase(colon, end - colon);
  return text;
}

}  // namespace

void check_agreement(Communicator& ranks, const Json& config) {
  if (ranks.size() == 1) return;
  std::string text = config.dump();
  ranks.broadcast(text);
  const Json root = Json::parse(text);
  std::vector<std::string> differences;
  for (const auto& [key, value] : root.items())
    if (without_number(key, config.value(key, Json())) != without_number(key, value) &&
        std::ranges::find(TrainSettings::free(), key) == TrainSettings::free().end())
      differences.push_back(
          fmt::format("{} {} (rank 0: {})", key, config.value(key, Json()).dump(), value.dump()));
  if (!differences.empty())
    throw UsageError(fmt::format("rank {} has other settings than rank 0: {}", ranks.rank(),
                                 fmt::join(differences, ", ")));
  ranks.barrier();
}

std::optional<State> share_checkpoint(Communicator& ranks, std::optional<std::string> bytes) {
  char there = char(bytes.has_value());
  ranks.broadcast(std::as_writable_bytes(std::span(&there, 1)));
  if (!there) return std::nullopt;
  std::string text = std::move(bytes).value_or("");
  ranks.broadcast(text);
  return parse_safetensors(std::as_bytes(std::span(text)), "checkpoint.safetensors").tensors;
}

}  // namespace hebb::apps
