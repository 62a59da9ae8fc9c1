#pragma once

#include <span>
#include <vector>

/// Internal: how the ten digits are written.
namespace hebb {

struct GlyphPoint {
  double x, y;
};

/// One movement of the pen through its points, in a box of [0, 1] × [0, 1] with y downwards.
struct Stroke {
  enum class Kind { straight, smooth, loop };  ///< `loop` is smooth and ends where it began.
  Kind kind;
  std::vector<GlyphPoint> points;
};

using Glyph = std::vector<Stroke>;

/// The ways in which `digit` (0..9) is written.
std::span<const Glyph> glyphs_of(int digit);

/// Appends the curve of a stroke to `path`: its points themselves, or a Catmull-Rom spline through
/// them with `steps` segments between neighbours.
void trace(const Stroke& stroke, int steps, std::vector<GlyphPoint>& path);

}  // namespace hebb
