#pragma once

#include <string>

// Catch2 2 (Debian 12) has one header, Catch2 3 (Debian 13) several.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
using Catch::Matchers::ContainsSubstring;
#else
#include <catch2/catch.hpp>
inline auto ContainsSubstring(const std::string& text) { return Catch::Matchers::Contains(text); }
#endif

namespace hebb::test {

/// Says why a test cannot run on this machine; the test then returns, and unless another one fails,
/// ctest reports its entry as skipped. Such a test has the tag [needs-data], so that no other test
/// is reported with it.
void skip(const std::string& reason);

}  // namespace hebb::test
