#include "core/number.hpp"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <type_traits>

#include "core/check.hpp"

namespace hebb {

bool Range::contains(double value) const {
  return value >= at_least && value > above && value <= at_most && value < below;
}

std::string Range::to_string() const {
  std::string text;
  const auto append = [&text](const char* words, double bound) {
    if (std::isinf(bound)) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : " and ", words, bound);
  };
  append("at least", at_least);
  append("above", above);
  append("at most", at_most);
  append("below", below);
  return text;
}

template <class T>
std::string describe(const Range& range) {
  const std::string bounds = range.to_string();
  return (std::is_integral_v<T> ? "an integer" : "a number") + (bounds.empty() ? "" : " " + bounds);
}

template <class T>
T parse_number(std::string_view text, const Range& range, std::string_view where) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc() && stop == end && range.contains(double(value))) return value;
  std::string limit;
  if (std::is_integral_v<T> && error == std::errc::result_out_of_range && stop == end &&
      std::isinf(range.at_most) && std::isinf(range.below))
    limit = fmt::format(" (and at most {})", std::numeric_limits<T>::max());
  fail("{} expected {}{}, got \"{}\"", where, describe<T>(range), limit, text);
}

// A namespace's visibility is not that of its explicit instantiations, where Clang takes no
// [[...]].
#define SHOWN __attribute__((visibility("default")))
template SHOWN std::string describe<double>(const Range&);
template SHOWN std::string describe<int>(const Range&);
template SHOWN std::string describe<int64_t>(const Range&);
template SHOWN std::string describe<uint64_t>(const Range&);
template SHOWN double parse_number(std::string_view, const Range&, std::string_view);
template SHOWN int parse_number(std::string_view, const Range&, std::string_view);
template SHOWN int64_t parse_number(std::string_view, const Range&, std::string_view);
template SHOWN uint64_t parse_number(std::string_view, const Range&, std::string_view);
#undef SHOWN

}  // namespace hebb
