#pragma once

#include <vector>

#include "apps/fewshot/queue/journal.hpp"
#include "apps/fewshot/study/run.hpp"
#include "distributed/communicator.hpp"

namespace hebb::apps {

/// Executes those runs that the journal does not hold, one on each core of all ranks, and appends
/// each to the journal when it ends; shows a bar with the time left on a terminal. Rank 0 hands
/// them out, and its journal has the results. Where ranks may be lost, those of a rank that dies go
/// to others; Error on these when that is rank 0. False when ^C ended it before all were done.
///
/// With `replicas` over 1, for which there has to be one rank (UsageError), the runs of a cell go
/// before, so many at a time, where its method has run_together: its draws or, where they tune, its
/// draws with all trial values.
bool execute(const std::vector<RunKey>& keys, const DataSets& data, Journal& journal,
             Communicator& communicator, bool quiet, int64_t replicas = 1);

}  // namespace hebb::apps
