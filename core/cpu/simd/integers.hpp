#pragma once

#include <cstdint>

/// std::min and std::max would be emitted as functions that the linker shares between instruction
/// sets.
namespace hebb::cpu::HEBB_ISA {

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
constexpr int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

}  // namespace hebb::cpu::HEBB_ISA
