#include "gpu/shared_library.hpp"

#include "core/error.hpp"
#include "tests/catch.hpp"

namespace hebb::cuda {
namespace {

constinit SharedLibrary mathematics("libm.so.6", "/nowhere");
constinit LibraryFunction<double(double)> cos(mathematics, "cos");
constinit LibraryFunction<double(double)> sine(mathematics, "no_such_sine");

TEST_CASE("a library's functions are called by name", "[gpu]") {
  CHECK(cos(0.0) == 1);
  CHECK(cos(0.0) == 1);  // by the address that is known
  CHECK_THROWS_AS(sine(0.0), DeviceError);
  CHECK_THROWS_WITH(sine(0.0),
                    "[cuda] libm.so.6 has no function no_such_sine: it is not of the "
                    "version that this build was made with");
}

TEST_CASE("a library that is not there is an error at the first call", "[gpu]") {
  SharedLibrary absent("libnowhere.so.9", "/nowhere");
  const LibraryFunction<int()> f(absent, "f");
  CHECK_THROWS_AS(f(), DeviceError);
  CHECK_THROWS_WITH(f(),
                    "[cuda] libnowhere.so.9 cannot be loaded: libnowhere.so.9: cannot open "
                    "shared object file: No such file or directory; install it, or name its "
                    "folder in LD_LIBRARY_PATH");
}

}  // namespace
}  // namespace hebb::cuda
