#pragma once

#include <string>
#include <vector>

#include "apps/fewshot/queue/journal.hpp"

namespace hebb::apps {

/// The trials of one cell: every value of the method's grid on `draws` draws of the tuning stage,
/// scored on training images that no draw of a report can have. Empty where nothing is to tune.
std::vector<RunKey> trials(const RunKey& cell, int64_t draws);

/// tuned.json for cells whose trials have all been done: the value of the best mean accuracy, the
/// first of equals, with all trials beside it. A line for each cell.
std::string choose(const std::vector<RunKey>& cells, int64_t draws, const Results& results,
                   const std::string& command);

}  // namespace hebb::apps
