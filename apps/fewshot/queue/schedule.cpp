#include "apps/fewshot/queue/schedule.hpp"

#include <fmt/format.h>

#include <functional>
#include <set>
#include <string>

#include "apps/common/app.hpp"
#include "apps/fewshot/queue/root.hpp"
#include "apps/fewshot/queue/worker.hpp"
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

}  // namespace

bool execute(const std::vector<RunKey>& keys, const DataSets& data, Journal& journal,
             Communicator& communicator, bool quiet) {
  const std::vector<const RunKey*> runs = in_order(keys);
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
