#pragma once

#include <limits>
#include <string>
#include <string_view>

#include "core/api.hpp"

namespace HEBB_API hebb {

/// Which numbers a flag or a setting takes, for designated initialisers:
/// `{.at_least = 0, .below = 1}`.
struct Range {
  double at_least = -std::numeric_limits<double>::infinity();
  double above = -std::numeric_limits<double>::infinity();
  double at_most = std::numeric_limits<double>::infinity();
  double below = std::numeric_limits<double>::infinity();

  bool contains(double value) const;  ///< Never true for NaN or an infinity.
  std::string to_string() const;      ///< "at least 0 and below 1"; "" for any number.
};

/// What a text has to be: "a number at least 0 and below 1", "an integer above 0".
template <class T>
std::string describe(const Range& range);

/// The number that `text` is, from its first character to its last one, in decimal. ValueError for
/// anything else, out of the range or of what T holds, in words that begin with `where`: `--lr:
/// expected a number at least 0, got "fast"`.
template <class T>
T parse_number(std::string_view text, const Range& range, std::string_view where);

// T is double, int, int64_t or uint64_t.

}  // namespace hebb
