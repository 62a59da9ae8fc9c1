#include <string>

#include "core/backend.hpp"
#include "core/cpu/isa/isas.hpp"
#include "core/error.hpp"
#include "tests/catch.hpp"

namespace hebb::cpu {
namespace {

TEST_CASE("the best instruction set that runs here is taken, or the one that is named",
          "[core][cpu]") {
  const Isa& best = select_isa(nullptr);
  CHECK(select_isa(best.name.data()).name == best.name);
  // Nothing behind the best one runs here.
  for (const Isa* isa = &best + 1; isa != isas().data() + isas().size(); ++isa)
    CHECK_THROWS_AS(select_isa(isa->name.data()), DeviceError);
  CHECK_THROWS_WITH(select_isa("mmx"), ContainsSubstring("HEBB_CPU_ISA is mmx") &&
                                           ContainsSubstring(std::string(isas().front().name)));
}

TEST_CASE("the names of instruction sets stand in the order of the list", "[core][cpu]") {
  REQUIRE(instruction_sets().size() == isas().size());
  for (size_t i = 0; i < isas().size(); ++i) CHECK(instruction_sets()[i] == isas()[i].name);
}

}  // namespace
}  // namespace hebb::cpu
