#include "apps/fewshot/study/run.hpp"

#include <fmt/format.h>

#include <chrono>

#include "apps/fewshot/study/batches.hpp"
#include "apps/fewshot/study/method.hpp"
#include "core/parallel.hpp"

namespace hebb::apps {

std::string RunKey::text() const {
  const Method& named = known_methods().at(method);
  std::string text = fmt::format("{} {}-shot {}", dataset, shots, method);
  if (!named.parameter.empty()) text += fmt::format(" {}={}", named.parameter, value);
  text += fmt::format(" draw={} seed={}", draw, seed);
  if (stage == Stage::tune) text += " stage=tune";
  return text + named.settings(*this);
}

RunData::RunData(DataPair pair) : train(std::move(pair.train)), test(to_batch(pair.test)) {}

std::optional<RunResult> run_once(const RunKey& key, const RunData& data,
                                  const std::function<bool()>& stop_requested) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const SerialScope serial;
  const Draw draw(data.train, key);
  const Batch held_out = draw.held_out.empty() ? Batch() : to_batch(data.train, draw.held_out);
  const Batch& tested = key.stage == Stage::tune ? held_out : data.test;
  std::optional<RunResult> result = known_methods()
                                        .at(key.method)
                                        .run({.key = key,
                                              .dataset = data.train,
                                              .draw = draw,
                                              .images = to_batch(data.train, draw.train),
                                              .tested = tested,
                                              .stop_requested = stop_requested});
  if (!result) return std::nullopt;
  result->total = tested.size();
  result->seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

}  // namespace hebb::apps
