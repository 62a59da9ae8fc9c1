#pragma once

#include <cstdint>
#include <span>

#include "core/random.hpp"

/// Internal: draws one image of the procedural digits.
namespace hebb {

inline constexpr int digit_extent = 28;  ///< Height and width in pixels.

/// Draws `digit` (0..9) in a hand that `random` decides: a way of writing it, wobble of the pen,
/// pose (shift, rotation, shear, scale), a smooth elastic displacement, thickness and pressure,
/// then noise over the picture. `pixels` is [28, 28], 0 background and 255 ink. Takes fewer than
/// 1,024 blocks of random numbers.
void render_digit(int digit, Generator random, std::span<uint8_t> pixels);

}  // namespace hebb
