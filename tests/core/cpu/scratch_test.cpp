#include "core/cpu/scratch.hpp"

#include "tests/catch.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

TEST_CASE("scratch memory nests and is used again", "[scratch]") {
  double* first = nullptr;
  for (int turn = 0; turn < 3; ++turn) {
    Scratch<double> outer(1000);
    for (int i = 0; i < 1000; ++i) outer[i] = i;
    {
      Scratch<char> empty(0);
      Scratch<float> inner(1 << 20);
      REQUIRE(reinterpret_cast<uintptr_t>(inner.data()) % 64 == 0);
      for (int i = 0; i < 1 << 20; ++i) inner[i] = -1.0f;
      Scratch<int32_t> innermost(77);
      for (int i = 0; i < 77; ++i) innermost[i] = -1;
      CHECK(inner[(1 << 20) - 1] == -1.0f);
    }
    bool kept = true;
    for (int i = 0; i < 1000; ++i) kept = kept && outer[i] == i;
    CHECK(kept);
    if (turn == 1) first = outer.data();  // after the first turn one chunk holds everything
    if (turn == 2) CHECK(outer.data() == first);
  }
}

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
