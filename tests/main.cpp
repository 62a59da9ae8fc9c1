// Catch2 2 is compiled here; Catch2 3 is a library.
#if !__has_include(<catch2/catch_all.hpp>)
#define CATCH_CONFIG_RUNNER
#endif
#include "tests/catch.hpp"

#include <cstdlib>
#include <iostream>

#include "core/backend.hpp"

namespace {
bool any_skipped = false;
constexpr int skip_code = 77;  // ctest's SKIP_RETURN_CODE
}  // namespace

namespace hebb::test {

void skip(const std::string& reason) {
  any_skipped = true;
  std::cout << "skipped: " << reason << '\n';
}

}  // namespace hebb::test

int main(int argc, char** argv) {
  try {
    hebb::cpu::backend();
    if (const char* device = std::getenv("HEBB_TEST_DEVICE"))
      hebb::backend_for(hebb::Device::parse(device));
  } catch (const hebb::DeviceError& error) {  // these variables name what this machine lacks
    hebb::test::skip(error.what());
    return skip_code;
  }
  const int failures = Catch::Session().run(argc, argv);
  if (failures != 0) return 1;
  return any_skipped ? skip_code : 0;
}
