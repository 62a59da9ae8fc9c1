#pragma once

#include <vector>

#include "apps/fewshot/queue/journal.hpp"
#include "apps/fewshot/study/run.hpp"
#include "distributed/communicator.hpp"

namespace hebb::apps {

/// Executes those runs that the journal does not hold, one on each core and split over the ranks,
/// and appends each to the journal when it ends; shows a bar with the time left on a terminal.
/// Results are in the journal of rank 0. False when ^C ended it before all were done.
bool execute(const std::vector<RunKey>& keys, const DataSets& data, Journal& journal,
             Communicator& communicator, bool quiet);

}  // namespace hebb::apps
