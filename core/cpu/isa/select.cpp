#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cstdlib>
#include <vector>

#include "core/check.hpp"
#include "core/cpu/bfloat16_backend.hpp"
#include "core/cpu/isa/isas.hpp"
#include "core/log_message.hpp"

namespace hebb::cpu {
namespace {

// Whether the processor multiplies bfloat16 tiles, and Linux gives this process their registers,
// for which it has to ask.
bool has_tiles() {
#if defined(__x86_64__) && defined(__linux__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned amx_bf16 = 1u << 22, amx_tile = 1u << 24, both = amx_bf16 | amx_tile;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & both) != both) return false;
  constexpr int request_permission = 0x1023, tile_data = 18;
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
  return false;
#endif
}

bool runs_here(std::string_view isa) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (isa == "v2") return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
  if (isa == "v3")
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi2");
  if (isa == "v4")
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#endif
  if (isa == "amx") return runs_here("v4") && has_tiles();
  return isa == "generic";
}

Bfloat16Unit bfloat16_unit(const Isa& isa) {
  if (isa.tiles) return Bfloat16Unit::tiles;
#if defined(__x86_64__)
  if (isa.bfloat16 && __builtin_cpu_supports("avx512bf16")) return Bfloat16Unit::vectors;
#endif
  return Bfloat16Unit::none;
}

KernelTable kernels_of(const Isa& isa) {
  const Bfloat16Unit unit = bfloat16_unit(isa);
  return {isa.float32(isa.tiles), isa.float64(), unit,
          unit == Bfloat16Unit::none ? Bfloat16Kernels() : isa.bfloat16()};
}

}  // namespace

const Isa& select_isa(const char* wanted) {
  for (auto isa = isas().rbegin(); isa != isas().rend(); ++isa)
    if ((!wanted || isa->name == wanted) && runs_here(isa->name)) return *isa;
  std::vector<std::string_view> names;
  for (const Isa& isa : isas())
    if (runs_here(isa.name)) names.push_back(isa.name);
  fail<DeviceError>("[cpu] {}; this build on this machine has: {}",
                    wanted ? fmt::format("HEBB_CPU_ISA is {}", wanted) : "no instruction set fits",
                    fmt::join(names, ", "));
}

Backend& backend() {
  // Never destroyed: statics may free tensors to the very end.
  static Bfloat16Backend* const chosen = [] {
    const Isa& isa = select_isa(std::getenv("HEBB_CPU_ISA"));
    log_message(LogLevel::info, "[cpu] kernels for {}", isa.name);
    return new Bfloat16Backend(isa.name, kernels_of(isa));
  }();
  return *chosen;
}

std::span<const std::string_view> instruction_sets() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> result;
    for (const Isa& isa : isas()) result.push_back(isa.name);
    return result;
  }();
  return names;
}

}  // namespace hebb::cpu
