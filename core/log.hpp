#pragma once

#include <functional>
#include <string_view>

#include "core/api.hpp"

namespace HEBB_API hebb {

enum class LogLevel { info, warning };
/// Takes one message, a line without its end: "[conv2d] ...".
using LogSink = std::function<void(LogLevel level, std::string_view message)>;

/// Where the library's messages go: which kernels it took, where data came from, what runs slower
/// than it should. There is no sink at first, and an empty one ends it: messages then go nowhere
/// and are not even made. Errors are exceptions and no messages. The sink is called by the thread
/// that has something to say, perhaps by several at once, and may not throw.
void set_log_sink(LogSink sink);

}  // namespace hebb
