#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/api.hpp"

/// What a program's time goes into: an event for each operation of a backend, with its operands'
/// types and shapes, for each module's pass and for each `ProfileScope`. The text is of Chrome's
/// trace format, which ui.perfetto.dev and chrome://tracing show. While it is off, an operation
/// pays for one branch.
namespace HEBB_API hebb {

namespace detail {
extern std::atomic<bool> profiling;
}

struct ProfileOptions {
  size_t max_events = 1'000'000;  ///< Later ones are counted alone; some 200 bytes each.
};

/// Begins to note events, of all threads. ValueError when that is under way. Devices with a queue
/// are waited for after each operation, so that each has its own time.
void start_profile(const ProfileOptions& options = {});
/// Ends it, and gives what was noted as JSON. ValueError when nothing is under way.
std::string stop_profile();

inline bool profiling() { return detail::profiling.load(std::memory_order_relaxed); }

/// An event as long as its life, for parts of a program: `const ProfileScope scope("epoch");`
class ProfileScope {
 public:
  explicit ProfileScope(std::string_view name) {
    if (profiling()) [[unlikely]]
      begin(name);
  }
  ~ProfileScope() {
    if (begin_ >= 0) [[unlikely]]
      end();
  }
  ProfileScope(const ProfileScope&) = delete;
  ProfileScope& operator=(const ProfileScope&) = delete;

 private:
  void begin(std::string_view name);
  void end() noexcept;

  int64_t begin_ = -1;  // nanoseconds; no event before
  std::string name_;
};

}  // namespace hebb
