#pragma once

#include <cstdint>
#include <string>

/// Internal: how the profiler (core/profile.hpp) is told of events.
namespace hebb::detail {

int64_t profile_time();  ///< Nanoseconds of a steady clock.
/// An event that began then and ends now. `args` is JSON, or empty.
void note_event(std::string name, std::string args, int64_t begin) noexcept;

}  // namespace hebb::detail
