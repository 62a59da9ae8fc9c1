#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "apps/fewshot/report/table.hpp"

namespace hebb::apps {

/// A gnuplot script that plots the table into `output` (.svg): a panel for each data set, means
/// with 95 % intervals, and the paper's values as crosses.
std::string to_gnuplot(std::span<const Cell> cells, const std::string& output);

/// Writes table.gp into the folder and runs gnuplot where there is one; whether table.svg is there
/// now.
bool plot(std::span<const Cell> cells, const std::filesystem::path& folder);

}  // namespace hebb::apps
