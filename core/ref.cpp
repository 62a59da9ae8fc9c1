#include "core/ref.hpp"

#include <array>
#include <utility>

namespace hebb::pool {
namespace {

constexpr size_t step = 64, classes = 8;
// Objects that one thread makes and another drops (a loader's batches) would gather here without
// a bound.
constexpr int limit = 4096;

// Trivially destructible, so that it can still be read while the thread's statics are destroyed.
thread_local bool alive = true;

struct FreeList {
  void* head = nullptr;
  int size = 0;
};

struct FreeLists {
  std::array<FreeList, classes> lists;
  ~FreeLists() {
    alive = false;
    for (FreeList& list : lists)
      while (list.head)
        ::operator delete(std::exchange(list.head, *static_cast<void**>(list.head)));
  }
};

thread_local FreeLists free_lists;

}  // namespace

void* allocate(size_t bytes) {
  const size_t c = (bytes - 1) / step;
  if (c >= classes) return ::operator new(bytes);
  if (alive) {
    FreeList& list = free_lists.lists[c];
    if (list.head) {
      --list.size;
      return std::exchange(list.head, *static_cast<void**>(list.head));
    }
  }
  return ::operator new((c + 1) * step);
}

void release(void* memory, size_t bytes) noexcept {
  const size_t c = (bytes - 1) / step;
  if (c < classes && alive && free_lists.lists[c].size < limit) {
    FreeList& list = free_lists.lists[c];
    *static_cast<void**>(memory) = list.head;
    list.head = memory;
    ++list.size;
    return;
  }
  ::operator delete(memory);
}

}  // namespace hebb::pool
