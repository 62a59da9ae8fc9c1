#pragma once

#include <string>
#include <vector>

namespace hebb::apps {

/// A table's cells as text, row by row; the first row is its head.
using Rows = std::vector<std::vector<std::string>>;

/// Columns as wide as their widest cell, the first to the left, others right.
std::string in_columns(const Rows& rows);
std::string in_markdown(const Rows& rows);

}  // namespace hebb::apps
