#pragma once

#include <fmt/format.h>

#include <concepts>
#include <string>
#include <string_view>

#include "core/error.hpp"

/// Internal: argument checks. Arguments are formatted only when the check fails, so hand shapes
/// and tensors over as they are: a to_string() would be paid for by every call.
namespace hebb {

template <class E = ValueError, class... Args>
[[noreturn, gnu::noinline, gnu::cold]] void fail(fmt::format_string<Args...> format,
                                                 Args&&... args) {
  throw E(fmt::format(format, std::forward<Args>(args)...));
}

template <class E = ValueError, class... Args>
inline void check(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) [[unlikely]]
    fail<E, Args...>(format, std::forward<Args>(args)...);
}

}  // namespace hebb

template <class T>
requires requires(const T& x) {
  { x.to_string() } -> std::same_as<std::string>;
}
struct fmt::formatter<T, char> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const T& x, Context& context) const {
    return fmt::formatter<std::string_view>::format(x.to_string(), context);
  }
};
