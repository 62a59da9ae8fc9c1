#include "data/glyphs.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace hebb {
namespace {

constexpr auto straight = Stroke::Kind::straight;
constexpr auto smooth = Stroke::Kind::smooth;
constexpr auto loop = Stroke::Kind::loop;

// clang-format off
const std::array<std::vector<Glyph>, 10>& table() {
  static const std::array<std::vector<Glyph>, 10> glyphs = {{
      {// 0: round, narrow and slanted, open with an overlap, pointed
       {{loop, {{.50, .08}, {.24, .20}, {.16, .50}, {.24, .80}, {.50, .92}, {.76, .80}, {.84, .50}, {.76, .20}}}},
       {{loop, {{.62, .08}, {.42, .24}, {.30, .54}, {.32, .84}, {.44, .92}, {.60, .76}, {.70, .46}, {.72, .18}}}},
       {{smooth, {{.64, .14}, {.40, .10}, {.22, .34}, {.20, .66}, {.38, .90}, {.64, .86}, {.80, .60}, {.76, .28}, {.56, .10}, {.42, .16}}}},
       {{loop, {{.48, .08}, {.28, .28}, {.22, .56}, {.34, .88}, {.54, .92}, {.74, .66}, {.72, .34}}}}},
      {// 1: a line, with a flag, with flag and base, slanted, curved
       {{straight, {{.50, .08}, {.50, .92}}}},
       {{straight, {{.32, .30}, {.54, .08}, {.52, .92}}}},
       {{straight, {{.34, .26}, {.52, .08}, {.52, .92}}}, {straight, {{.32, .92}, {.74, .91}}}},
       {{straight, {{.64, .08}, {.38, .92}}}},
       {{smooth, {{.40, .24}, {.54, .08}, {.55, .46}, {.48, .92}}}}},
      {// 2: with a corner, with a loop at the foot, round like a swan, angular
       {{smooth, {{.20, .28}, {.34, .12}, {.60, .10}, {.76, .28}, {.66, .50}, {.42, .70}, {.20, .90}}}, {straight, {{.20, .90}, {.82, .88}}}},
       {{smooth, {{.22, .26}, {.45, .08}, {.72, .22}, {.62, .52}, {.36, .84}, {.20, .84}, {.28, .72}, {.52, .82}, {.84, .90}}}},
       {{smooth, {{.28, .30}, {.44, .10}, {.68, .16}, {.70, .38}, {.50, .64}, {.22, .88}, {.46, .84}, {.66, .92}, {.84, .84}}}},
       {{smooth, {{.20, .16}, {.46, .10}, {.74, .14}, {.66, .34}, {.18, .90}}}, {straight, {{.18, .90}, {.80, .90}}}}},
      {// 3: two bows, flat top, one movement with a loop, wide lower bow
       {{smooth, {{.22, .16}, {.50, .08}, {.72, .25}, {.60, .42}, {.42, .47}}}, {smooth, {{.42, .47}, {.70, .55}, {.78, .72}, {.60, .90}, {.34, .91}, {.20, .80}}}},
       {{straight, {{.22, .10}, {.75, .10}, {.45, .42}}}, {smooth, {{.45, .42}, {.72, .50}, {.78, .70}, {.60, .89}, {.36, .92}, {.18, .80}}}},
       {{smooth, {{.26, .18}, {.50, .08}, {.68, .24}, {.54, .44}, {.38, .48}, {.46, .42}, {.70, .58}, {.70, .82}, {.46, .92}, {.22, .82}}}},
       {{smooth, {{.30, .14}, {.54, .08}, {.66, .22}, {.44, .40}, {.70, .46}, {.84, .66}, {.68, .88}, {.40, .92}, {.16, .84}}}}},
      {// 4: open, closed, open and curved, closed with a short stem
       {{straight, {{.30, .10}, {.20, .58}, {.80, .58}}}, {straight, {{.66, .30}, {.64, .92}}}},
       {{straight, {{.62, .92}, {.62, .08}, {.18, .64}, {.84, .64}}}},
       {{smooth, {{.26, .12}, {.22, .40}, {.40, .52}, {.70, .46}}}, {smooth, {{.74, .12}, {.70, .50}, {.64, .92}}}},
       {{straight, {{.22, .56}, {.58, .08}, {.56, .92}}}, {straight, {{.20, .56}, {.80, .54}}}}},
      {// 5: angular, like an S, bar apart, long belly
       {{straight, {{.74, .10}, {.34, .10}, {.28, .44}}}, {smooth, {{.28, .44}, {.54, .40}, {.76, .56}, {.72, .80}, {.48, .92}, {.22, .82}}}},
       {{smooth, {{.78, .12}, {.48, .09}, {.30, .26}, {.46, .44}, {.70, .58}, {.70, .82}, {.46, .92}, {.22, .84}}}},
       {{smooth, {{.34, .14}, {.28, .46}, {.56, .42}, {.74, .62}, {.60, .88}, {.24, .88}}}, {straight, {{.34, .12}, {.82, .09}}}},
       {{straight, {{.78, .14}, {.40, .12}, {.32, .36}}}, {smooth, {{.32, .36}, {.60, .36}, {.76, .60}, {.58, .86}, {.30, .92}, {.18, .88}}}}},
      {// 6: bow, steep stem, curled top, small loop
       {{smooth, {{.68, .10}, {.40, .26}, {.24, .58}, {.30, .84}, {.54, .92}, {.74, .76}, {.66, .58}, {.46, .54}, {.28, .68}}}},
       {{smooth, {{.42, .08}, {.28, .40}, {.24, .70}, {.40, .92}, {.66, .86}, {.70, .66}, {.50, .54}, {.27, .66}}}},
       {{smooth, {{.76, .22}, {.58, .08}, {.34, .24}, {.22, .56}, {.30, .86}, {.56, .92}, {.76, .74}, {.62, .54}, {.38, .56}, {.24, .70}}}},
       {{smooth, {{.60, .08}, {.40, .34}, {.28, .66}, {.36, .90}, {.56, .88}, {.62, .72}, {.46, .66}, {.32, .78}}}}},
      {// 7: plain, with a bar, with a curved stem, with a serif
       {{straight, {{.18, .12}, {.80, .12}, {.42, .92}}}},
       {{straight, {{.20, .12}, {.80, .12}, {.44, .92}}}, {straight, {{.34, .52}, {.74, .50}}}},
       {{smooth, {{.18, .20}, {.30, .11}, {.52, .14}, {.78, .10}}}, {smooth, {{.78, .10}, {.60, .45}, {.50, .92}}}},
       {{straight, {{.20, .28}, {.20, .12}, {.82, .12}, {.46, .92}}}}},
      {// 8: one crossing movement, two loops, open at the top, narrow waist high up
       {{loop, {{.70, .18}, {.50, .08}, {.30, .18}, {.34, .38}, {.50, .48}, {.70, .62}, {.74, .80}, {.50, .92}, {.26, .80}, {.32, .62}, {.50, .48}, {.66, .36}}}},
       {{loop, {{.50, .08}, {.30, .18}, {.32, .40}, {.50, .47}, {.68, .40}, {.70, .18}}}, {loop, {{.50, .47}, {.26, .60}, {.26, .84}, {.50, .92}, {.74, .84}, {.74, .60}}}},
       {{smooth, {{.74, .14}, {.46, .10}, {.30, .24}, {.44, .44}, {.68, .62}, {.68, .86}, {.44, .92}, {.28, .76}, {.42, .54}, {.66, .36}, {.78, .20}}}},
       {{loop, {{.66, .16}, {.50, .08}, {.36, .20}, {.48, .40}, {.72, .58}, {.80, .78}, {.52, .92}, {.22, .78}, {.28, .58}, {.52, .40}, {.66, .28}}}}},
      {// 9: loop and stem, closed with a straight stem, one movement with a tail, small head
       {{smooth, {{.72, .28}, {.56, .10}, {.32, .16}, {.26, .36}, {.42, .50}, {.64, .44}, {.72, .28}}}, {smooth, {{.73, .20}, {.70, .55}, {.60, .92}}}},
       {{loop, {{.50, .08}, {.28, .18}, {.26, .40}, {.48, .50}, {.68, .40}, {.70, .18}}}, {straight, {{.70, .12}, {.66, .92}}}},
       {{smooth, {{.70, .30}, {.50, .10}, {.28, .26}, {.40, .50}, {.66, .42}, {.74, .20}, {.74, .55}, {.62, .86}, {.34, .90}}}},
       {{smooth, {{.66, .22}, {.50, .10}, {.36, .22}, {.46, .38}, {.66, .28}, {.70, .16}, {.62, .54}, {.42, .92}}}}},
  }};
  return glyphs;
}
// clang-format on

}  // namespace

std::span<const Glyph> glyphs_of(int digit) { return table()[size_t(digit)]; }

void trace(const Stroke& stroke, int steps, std::vector<GlyphPoint>& path) {
  const std::vector<GlyphPoint>& points = stroke.points;
  if (stroke.kind == straight) {
    path.insert(path.end(), points.begin(), points.end());
    return;
  }
  const int n = int(points.size());
  const bool closed = stroke.kind == loop;
  const auto at = [&](int i) {
    return points[size_t(closed ? (i + n) % n : std::clamp(i, 0, n - 1))];
  };
  const int segments = closed ? n : n - 1;
  for (int i = 0; i < segments; ++i) {
    const GlyphPoint a = at(i - 1), b = at(i), c = at(i + 1), d = at(i + 2);
    const auto spline = [](double p, double q, double r, double s, double t) {
      return q + 0.5 * t * (r - p + t * (2 * p - 5 * q + 4 * r - s + t * (3 * (q - r) + s - p)));
    };
    for (int k = 0; k < steps; ++k) {
      const double t = double(k) / steps;
      path.push_back({spline(a.x, b.x, c.x, d.x, t), spline(a.y, b.y, c.y, d.y, t)});
    }
  }
  path.push_back(at(segments));
}

}  // namespace hebb
