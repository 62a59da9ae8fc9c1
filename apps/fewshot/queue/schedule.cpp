#include "apps/fewshot/queue/schedule.hpp"

#include <fmt/format.h>

#include <mutex>
#include <set>

#include "apps/common/app.hpp"
#include "apps/common/progress.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"

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

// What a rank tells rank 0.
struct Finished {
  int64_t run = -1;  // -1: this rank has ended.
  RunResult result = {};
};

class Queue {
 public:
  Queue(const std::vector<RunKey>& keys, const DataSets& data, Journal& journal,
        Communicator& communicator, bool quiet)
      : runs_(in_order(keys)),
        data_(data),
        journal_(journal),
        communicator_(communicator),
        open_(open_runs()),
        ranks_left_(communicator.size() - 1),
        progress_("runs", std::ssize(open_), quiet || !root()) {}

  bool execute() {
    std::vector<int64_t> mine;
    for (size_t i = 0; i < open_.size(); ++i)
      if (int(i) % communicator_.size() == communicator_.rank()) mine.push_back(open_[i]);
    progress_.update(0);
    parallel_for(std::ssize(mine), 1,
                 [&](int64_t begin, int64_t) { execute(mine[size_t(begin)]); });
    if (!root()) {
      communicator_.send_to_root(Finished{});
      return !Interrupt::requested();
    }
    while (ranks_left_ > 0) take(*communicator_.receive<Finished>(true));
    return finished_ == std::ssize(open_);
  }

 private:
  bool root() const { return communicator_.rank() == 0; }

  // Those that rank 0's journal does not hold, the same on every rank.
  std::vector<int64_t> open_runs() const {
    std::string done(runs_.size(), 0);
    for (size_t i = 0; i < runs_.size(); ++i)
      done[i] = char(journal_.results().contains(runs_[i]->text()));
    communicator_.broadcast(done);
    std::vector<int64_t> open;
    for (int64_t i = 0; i < std::ssize(runs_); ++i)
      if (!done[size_t(i)]) open.push_back(i);
    return open;
  }

  void execute(int64_t run) {
    if (Interrupt::requested()) return;
    const RunKey& key = *runs_[size_t(run)];
    const std::optional<RunResult> result =
        run_once(key, *data_.at(key.dataset), Interrupt::requested);
    if (!result) return;
    const std::lock_guard lock(mutex_);
    const Finished message{.run = run, .result = *result};
    if (!root()) {
      communicator_.send_to_root(message);
      return;
    }
    take(message);
    while (const auto other = communicator_.receive<Finished>(false)) take(*other);
  }

  void take(const Finished& message) {
    if (message.run < 0) {
      --ranks_left_;
      return;
    }
    const RunKey& key = *runs_[size_t(message.run)];
    journal_.append(key.text(), message.result);
    progress_.update(++finished_, fmt::format("{} {}-shot {}", key.dataset, key.shots, key.method));
  }

  std::vector<const RunKey*> runs_;
  const DataSets& data_;
  Journal& journal_;
  Communicator& communicator_;
  std::vector<int64_t> open_;
  int ranks_left_;
  Progress progress_;
  int64_t finished_ = 0;
  std::mutex mutex_;
};

}  // namespace

bool execute(const std::vector<RunKey>& keys, const DataSets& data, Journal& journal,
             Communicator& communicator, bool quiet) {
  return Queue(keys, data, journal, communicator, quiet).execute();
}

}  // namespace hebb::apps
