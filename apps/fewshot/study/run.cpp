#include "apps/fewshot/study/run.hpp"

#include <fmt/format.h>

#include <chrono>
#include <map>

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

namespace {

// A draw of a data set, which tasks refer to.
struct Prepared {
  const RunData& data;
  Draw draw;
  Batch images, held_out;

  Prepared(const RunKey& key, const RunData& of)
      : data(of), draw(of.train, key), images(to_batch(of.train, draw.train)) {
    if (!draw.held_out.empty()) held_out = to_batch(data.train, draw.held_out);
  }
  Task task(const RunKey& key, const std::function<bool()>& stop_requested) const {
    return {.key = key,
            .dataset = data.train,
            .draw = draw,
            .images = images,
            .tested = key.stage == Stage::tune ? held_out : data.test,
            .stop_requested = stop_requested};
  }
};

}  // namespace

std::optional<RunResult> run_once(const RunKey& key, const RunData& data,
                                  const std::function<bool()>& stop_requested) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const SerialScope serial;
  const Prepared prepared(key, data);
  const Task task = prepared.task(key, stop_requested);
  std::optional<RunResult> result = known_methods().at(key.method).run(task);
  if (!result) return std::nullopt;
  result->total = task.tested.size();
  result->seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

std::optional<std::vector<RunResult>> run_together(std::span<const RunKey> keys,
                                                   const RunData& data,
                                                   const std::function<bool()>& stop_requested) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  std::map<int64_t, Prepared> prepared;  // by draw
  std::vector<Task> tasks;
  for (const RunKey& key : keys)
    tasks.push_back(
        prepared.try_emplace(key.draw, key, data).first->second.task(key, stop_requested));
  auto results = known_methods().at(keys[0].method).run_together(tasks);
  if (!results) return std::nullopt;
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  for (size_t i = 0; i < results->size(); ++i) {
    (*results)[i].total = tasks[i].tested.size();
    (*results)[i].seconds = seconds / double(results->size());
  }
  return results;
}

}  // namespace hebb::apps
