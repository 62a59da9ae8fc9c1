#include "data/digit_renderer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "data/glyphs.hpp"

namespace hebb {
namespace {

constexpr int extent = digit_extent;
using Canvas = std::array<float, extent * extent>;

// A sum of a few plane waves with random directions and phases: smooth, and cheap at a point.
class WaveField {
 public:
  WaveField(Generator& random, double amplitude) {
    for (Wave& wave : waves_) {
      const double angle = random.uniform(0, 2 * std::numbers::pi);
      const double frequency = random.uniform(0.4, 1.5) * 2 * std::numbers::pi;
      wave = {frequency * std::cos(angle), frequency * std::sin(angle),
              random.uniform(0, 2 * std::numbers::pi), amplitude * random.uniform(-1, 1)};
    }
  }
  double operator()(GlyphPoint p) const {
    double sum = 0;
    for (const Wave& w : waves_) sum += w.amplitude * std::sin(w.x * p.x + w.y * p.y + w.phase);
    return sum;
  }

 private:
  struct Wave {
    double x, y, phase, amplitude;
  };
  std::array<Wave, 3> waves_{};
};

// From the glyph's box to pixels: elastic displacement first, then the affine pose.
class Pose {
 public:
  explicit Pose(Generator& random) : dx_(random, 0.055), dy_(random, 0.055) {
    const double size = random.uniform(16.5, 22.0);
    const double width = size * random.uniform(0.78, 1.08), height = size;
    const double angle = random.uniform(-0.28, 0.28), shear = random.uniform(-0.3, 0.3);
    const double c = std::cos(angle), s = std::sin(angle);
    xx_ = c * width;
    xy_ = (c * shear - s) * height;
    yx_ = s * width;
    yy_ = (s * shear + c) * height;
    x_ = 0.5 * extent + random.uniform(-1.8, 1.8);
    y_ = 0.5 * extent + random.uniform(-1.8, 1.8);
  }
  GlyphPoint operator()(GlyphPoint p) const {
    const double x = p.x - 0.5 + dx_(p), y = p.y - 0.5 + dy_(p);
    return {x_ + xx_ * x + xy_ * y, y_ + yx_ * x + yy_ * y};
  }

 private:
  WaveField dx_, dy_;
  double xx_, xy_, yx_, yy_, x_, y_;
};

struct Pen {
  float radius, softness;  // pixels
};

// Ink where the distance to the segment from a to b is less than the pen's radius, with an edge
// as wide as its softness; pixel centres lie at half-integers.
void draw_segment(Canvas& canvas, GlyphPoint a, GlyphPoint b, float radius_a, float radius_b,
                  float softness) {
  const float ax = float(a.x), ay = float(a.y), ux = float(b.x - a.x), uy = float(b.y - a.y);
  const float inverse = 1.0f / std::max(ux * ux + uy * uy, 1e-12f);
  const float reach = std::max(radius_a, radius_b) + softness + 0.5f;
  const auto first = [&](float low) { return std::clamp(int(std::floor(low - reach)), 0, extent); };
  const auto last = [&](float high) { return std::clamp(int(std::ceil(high + reach)), 0, extent); };
  const int x0 = first(std::min(ax, ax + ux)), x1 = last(std::max(ax, ax + ux));
  const int y0 = first(std::min(ay, ay + uy)), y1 = last(std::max(ay, ay + uy));
  for (int y = y0; y < y1; ++y) {
    for (int x = x0; x < x1; ++x) {
      const float px = float(x) + 0.5f - ax, py = float(y) + 0.5f - ay;
      const float t = std::clamp((px * ux + py * uy) * inverse, 0.0f, 1.0f);
      const float ex = px - t * ux, ey = py - t * uy;
      const float distance = std::sqrt(ex * ex + ey * ey);
      const float radius = radius_a + t * (radius_b - radius_a);
      const float ink = std::clamp((radius - distance) / softness + 0.5f, 0.0f, 1.0f);
      float& pixel = canvas[size_t(y * extent + x)];
      pixel = std::max(pixel, ink);
    }
  }
}

void draw_stroke(Canvas& canvas, Stroke stroke, const Pose& pose, const WaveField& pressure,
                 Pen pen, Generator& random) {
  constexpr double wobble = 0.03;
  for (GlyphPoint& point : stroke.points) {
    point.x += random.uniform(-wobble, wobble);
    point.y += random.uniform(-wobble, wobble);
  }
  std::vector<GlyphPoint> path;
  trace(stroke, 5, path);
  GlyphPoint from = pose(path[0]);
  float radius_from = pen.radius * float(1 + pressure(path[0]));
  for (size_t i = 1; i < path.size(); ++i) {
    const GlyphPoint to = pose(path[i]);
    const float radius_to = pen.radius * float(1 + pressure(path[i]));
    draw_segment(canvas, from, to, radius_from, radius_to, pen.softness);
    from = to;
    radius_from = radius_to;
  }
}

}  // namespace

void render_digit(int digit, Generator random, std::span<uint8_t> pixels) {
  const std::span<const Glyph> glyphs = glyphs_of(digit);
  const Glyph& glyph = glyphs[size_t(random.below(int64_t(glyphs.size())))];
  const Pose pose(random);
  const WaveField pressure(random, 0.12);
  const Pen pen{.radius = float(random.uniform(0.65, 1.75)),
                .softness = float(random.uniform(0.8, 1.8))};
  Canvas canvas{};
  for (const Stroke& stroke : glyph) draw_stroke(canvas, stroke, pose, pressure, pen, random);

  // The sum of a word's four bytes is close to normal, with mean 510 and deviation 148.
  const float ink = float(random.uniform(170, 255));
  const float noise = float(random.uniform(0, 20)) / 148.0f;
  const RandomKey key = random.reserve(extent * extent);
  for (size_t i = 0; i < canvas.size(); i += 4) {
    const Philox::Block words = key.block(i / 4);
    for (size_t j = 0; j < 4; ++j) {
      const uint32_t w = words[j];
      const uint32_t sum = (w & 255) + (w >> 8 & 255) + (w >> 16 & 255) + (w >> 24);
      const float value = ink * canvas[i + j] + noise * (float(sum) - 510.0f);
      pixels[i + j] = uint8_t(std::clamp(value + 0.5f, 0.0f, 255.0f));
    }
  }
}

}  // namespace hebb
