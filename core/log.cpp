#include "core/log.hpp"

#include <memory>
#include <mutex>
#include <utility>

#include "core/log_message.hpp"

namespace hebb {
namespace {

// Never destroyed: statics may have something to say to the very end.
struct Slot {
  std::mutex mutex;
  std::shared_ptr<const LogSink> sink;
};
Slot& slot() {
  static Slot* instance = new Slot;
  return *instance;
}

}  // namespace

namespace detail {

std::atomic<bool> has_log_sink{false};

void send_to_log(LogLevel level, const std::string& message) noexcept {
  std::shared_ptr<const LogSink> sink;  // ours as long as it runs, and it may set another
  {
    const std::lock_guard lock(slot().mutex);
    sink = slot().sink;
  }
  if (sink) (*sink)(level, message);
}

}  // namespace detail

void set_log_sink(LogSink sink) {
  auto shared = sink ? std::make_shared<const LogSink>(std::move(sink)) : nullptr;
  const std::lock_guard lock(slot().mutex);
  detail::has_log_sink = shared != nullptr;
  slot().sink.swap(shared);
}

}  // namespace hebb
