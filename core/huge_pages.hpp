#pragma once

#include <cstddef>

namespace hebb {

/// Asks for large pages for memory that will all be used, where it is large enough to gain by them:
/// what passes over it then waits less for addresses to be looked up.
void prefer_huge_pages(void* memory, size_t bytes) noexcept;

}  // namespace hebb
