#include "tests/allocations.hpp"

#include <cstdlib>
#include <new>

namespace {
thread_local int64_t count = 0;
}

namespace hebb::test {
int64_t heap_allocations() { return count; }
}  // namespace hebb::test

void* operator new(size_t bytes) {
  ++count;
  if (void* memory = std::malloc(bytes ? bytes : 1)) return memory;
  throw std::bad_alloc();
}
void* operator new(size_t bytes, const std::nothrow_t&) noexcept {
  ++count;
  return std::malloc(bytes ? bytes : 1);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
