#pragma once

#include <cstdint>

namespace hebb::test {

/// How often this thread has asked operator new for memory so far.
int64_t heap_allocations();

}  // namespace hebb::test
