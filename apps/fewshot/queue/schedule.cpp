#include "apps/fewshot/queue/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>

#include "apps/common/app.hpp"
#include "apps/common/progress.hpp"
#include "apps/fewshot/queue/root.hpp"
#include "apps/fewshot/queue/worker.hpp"
#include "apps/fewshot/study/method.hpp"
#include "core/backend.hpp"
#include "core/random.hpp"
#include "core/version.hpp"

namespace hebb::apps {
namespace {

// The runs that are to be done: each once, in a random but fixed order, so that long and short
// ones mix and the time left can be told from their number.
std::vector<const RunKey*> in_order(const std::vector<RunKey>& keys) {
  std::vector<const RunKey*> runs;
  std::set<std::string> seen;
  for (const int64_t i : Generator(0).permutation(std::ssize(keys)))
    if (seen.insert(keys[size_t(i)].text()).second) runs.push_back(&keys[size_t(i)]);
  return runs;
}

// Differs where another rank means other runs than this one, or its numbers have other bits.
uint64_t checksum(const std::vector<const RunKey*>& runs) {
  std::string text(version());
  for (const RunKey* run : runs) {
    const std::string_view backend = backend_for(run->device).name();  // "cpu (v4)", "cuda:1 (...)"
    text += fmt::format("\n{} {}", run->text(), backend.substr(backend.find(' ')));
  }
  return std::hash<std::string>()(text);
}

// Those that are not in the journal, cell by cell: what tells the runs of one apart is the draw
// and, where they tune it, the value of the method's parameter.
std::vector<std::vector<RunKey>> open_cells(const std::vector<const RunKey*>& runs,
                                            const Results& done) {
  std::map<std::string, std::vector<RunKey>> cells;
  for (const RunKey* run : runs) {
    if (done.contains(run->text()) || !known_methods().at(run->method).run_together) continue;
    RunKey cell = *run;
    cell.draw = 0;
    if (cell.stage == Stage::tune) cell.value = 0;
    cells[cell.text()].push_back(*run);
  }
  std::vector<std::vector<RunKey>> open;
  open.reserve(cells.size());
  for (auto& [name, keys] : cells) open.push_back(std::move(keys));
  return open;
}

// False when ^C ended it.
bool execute_cells(const std::vector<std::vector<RunKey>>& cells, const DataSets& data,
                   Journal& journal, bool quiet, int64_t replicas) {
  int64_t total = 0, finished = 0;
  for (const std::vector<RunKey>& cell : cells) total += std::ssize(cell);
  Progress progress("runs", total, quiet);
  progress.update(0);
  for (std::span<const RunKey> cell : cells)
    while (!cell.empty()) {
      const auto keys = cell.first(std::min(size_t(replicas), cell.size()));
      cell = cell.subspan(keys.size());
      const RunKey& key = keys[0];
      const auto results = run_together(keys, *data.at(key.dataset), Interrupt::requested);
      if (!results) return false;
      for (size_t i = 0; i < keys.size(); ++i) journal.append(keys[i].text(), (*results)[i]);
      finished += std::ssize(keys);
      progress.update(finished, fmt::format("{} {}-shot {}", key.dataset, key.shots, key.method));
    }
  return true;
}

}  // namespace

bool execute(const std::vector<RunKey>& keys, const DataSets& data, Journal& journal,
             Communicator& communicator, bool quiet, int64_t replicas) {
  const std::vector<const RunKey*> runs = in_order(keys);
  if (replicas > 1) {
    if (communicator.size() > 1)
      throw UsageError("--replicas: several runs at once are trained by one process alone");
    const std::vector<std::vector<RunKey>> cells = open_cells(runs, journal.results());
    if (!cells.empty() && !execute_cells(cells, data, journal, quiet, replicas)) return false;
  }
  const Execute execute_run = [&](int64_t run, const std::function<bool()>& stop_requested) {
    const RunKey& key = *runs[size_t(run)];
    return run_once(key, *data.at(key.dataset), stop_requested);
  };
  if (!communicator.is_root()) {
    Worker(communicator, execute_run, checksum(runs)).work();
    return !Interrupt::requested();
  }
  std::vector<int64_t> open;
  for (int64_t i = 0; i < std::ssize(runs); ++i)
    if (!journal.results().contains(runs[size_t(i)]->text())) open.push_back(i);
  Root root(communicator, execute_run, journal,
            {.runs = runs, .open = open, .checksum = checksum(runs), .quiet = quiet});
  root.work();
  if (root.has_lost_ranks()) communicator.note_loss();
  return root.all_finished();
}

}  // namespace hebb::apps
