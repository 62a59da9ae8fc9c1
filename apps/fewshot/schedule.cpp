#include "apps/fewshot/schedule.hpp"

#include <fmt/format.h>

#include <mutex>
#include <set>

#include "apps/common/app.hpp"
#include "apps/common/progress.hpp"
#include "core/parallel.hpp"

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

}  // namespace

bool execute(const std::vector<RunKey>& keys, const DataSets& data, Journal& journal,
             const Communicator& communicator, bool quiet) {
  const std::vector<const RunKey*> runs = in_order(keys);
  std::vector<char> done(runs.size());
  for (size_t i = 0; i < runs.size(); ++i) done[i] = journal.results().contains(runs[i]->text());
  communicator.broadcast(done);
  std::vector<int64_t> open, mine;
  for (int64_t i = 0; i < std::ssize(runs); ++i)
    if (!done[size_t(i)]) open.push_back(i);
  for (size_t i = 0; i < open.size(); ++i)
    if (int(i) % communicator.size() == communicator.rank()) mine.push_back(open[i]);

  const bool root = communicator.rank() == 0;
  Progress progress("runs", std::ssize(open), quiet || !root);
  int64_t finished = 0;
  int ranks_left = communicator.size() - 1;
  const auto take = [&](const Communicator::Message& message) {
    if (message.run < 0) {
      --ranks_left;
      return;
    }
    const RunKey& key = *runs[size_t(message.run)];
    journal.append(key.text(), message.result);
    progress.update(++finished, fmt::format("{} {}-shot {}", key.dataset, key.shots, key.method));
  };

  std::mutex mutex;
  progress.update(0);
  parallel_for(std::ssize(mine), 1, [&](int64_t begin, int64_t) {
    if (Interrupt::requested()) return;
    const int64_t run = mine[size_t(begin)];
    const RunKey& key = *runs[size_t(run)];
    const std::optional<RunResult> result =
        run_once(key, *data.at(key.dataset), Interrupt::requested);
    if (!result) return;
    const std::lock_guard lock(mutex);
    if (!root) {
      communicator.send_to_root({.run = run, .result = *result});
      return;
    }
    take({.run = run, .result = *result});
    while (const auto message = communicator.receive(false)) take(*message);
  });
  if (!root) {
    communicator.send_to_root({.run = -1});
    return !Interrupt::requested();
  }
  while (ranks_left > 0) take(*communicator.receive(true));
  return finished == std::ssize(open);
}

}  // namespace hebb::apps
