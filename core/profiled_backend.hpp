#pragma once

#include "core/backend.hpp"

namespace hebb {

/// A backend that has another do all work, and tells the profiler how long each operation took.
Backend& profiled(Backend& backend);

}  // namespace hebb
