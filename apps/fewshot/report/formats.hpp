#pragma once

#include <span>
#include <string>

#include "apps/common/json.hpp"
#include "apps/fewshot/report/table.hpp"

namespace hebb::apps {

/// A small table for each data set. Where there are fewer draws than draws_for_p asks for it has no
/// p, and a line below says how many there would have to be.
std::string to_terminal(std::span<const Cell> cells);
std::string to_markdown(std::span<const Cell> cells);  ///< A row for each cell.
Json to_json(std::span<const Cell> cells);

/// A row for each run.
std::string to_csv(std::span<const RunKey> keys, int64_t draws, const Results& results);
/// The training images of every draw, a line for each: their numbers in the data set, class by
/// class, so that another program can train on the same ones.
std::string images_csv(std::span<const RunKey> keys, int64_t draws, const DataSets& data);

}  // namespace hebb::apps
