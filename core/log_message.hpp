#pragma once

#include <fmt/format.h>

#include <atomic>
#include <string>

#include "core/log.hpp"

/// Internal: what the library itself says to the sink of core/log.hpp.
namespace hebb {

namespace detail {
extern std::atomic<bool> has_log_sink;
void send_to_log(LogLevel level, const std::string& message) noexcept;
}  // namespace detail

template <class... Args>
void log_message(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (detail::has_log_sink.load(std::memory_order_relaxed)) [[unlikely]]
    detail::send_to_log(level, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace hebb
