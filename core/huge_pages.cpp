#include "core/huge_pages.hpp"

#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace hebb {

void prefer_huge_pages([[maybe_unused]] void* memory, [[maybe_unused]] size_t bytes) noexcept {
#if defined(__linux__)
  constexpr size_t least = size_t(4) << 20;
  constexpr size_t page = 4096;
  if (bytes < least) return;
  // Whole small pages, so that no large one reaches beyond the memory. Where it is refused, nothing
  // is lost.
  const size_t skipped = size_t(-reinterpret_cast<uintptr_t>(memory) & (page - 1));
  madvise(static_cast<std::byte*>(memory) + skipped, (bytes - skipped) & ~(page - 1),
          MADV_HUGEPAGE);
#endif
}

}  // namespace hebb
