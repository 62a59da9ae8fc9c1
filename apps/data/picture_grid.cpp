#include "apps/data/picture_grid.hpp"

#include <algorithm>
#include <string_view>

#include "core/check.hpp"

namespace hebb::apps {

Pixels make_grid(const Tensor& images, int64_t count, int64_t columns) {
  const Shape& shape = images.shape();
  check<ShapeError>(shape.rank() == 4 && (shape[1] == 1 || shape[1] == 3),
                    "expected images [N, 1 or 3, H, W], got {}", images.to_string());
  count = std::min(count, shape[0]);
  columns = std::max<int64_t>(std::min(columns, count), 1);
  const int64_t channels = shape[1], height = shape[2], width = shape[3];
  const int64_t rows = (count + columns - 1) / columns;
  Pixels grid{.width = columns * (width + 1) - 1,
              .height = std::max<int64_t>(rows * (height + 1) - 1, 0)};
  grid.rgb.resize(size_t(grid.width * grid.height * 3));
  const auto from = images.host<uint8_t>();
  for (int64_t image = 0; image < count; ++image)
    for (int64_t y = 0; y < height; ++y)
      for (int64_t x = 0; x < width; ++x)
        for (int64_t colour = 0; colour < 3; ++colour) {
          const int64_t channel = channels == 3 ? colour : 0;
          const int64_t row = image / columns * (height + 1) + y;
          const int64_t column = image % columns * (width + 1) + x;
          grid.rgb[size_t((row * grid.width + column) * 3 + colour)] =
              from[size_t(((image * channels + channel) * height + y) * width + x)];
        }
  return grid;
}

std::string to_text(const Pixels& pixels, bool colours) {
  constexpr std::string_view shades = " .:-=+*#%@";
  const auto at = [&](int64_t y, int64_t x) {
    return y < pixels.height ? &pixels.rgb[size_t((y * pixels.width + x) * 3)] : nullptr;
  };
  const auto grey = [](const uint8_t* pixel) {
    return pixel ? (299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2]) / 1000 : 0;
  };
  std::string text;
  for (int64_t y = 0; y < pixels.height; y += 2) {
    for (int64_t x = 0; x < pixels.width; ++x) {
      const uint8_t *top = at(y, x), *bottom = at(y + 1, x);
      if (!colours) {
        text += shades[size_t(grey(top) + grey(bottom)) * (shades.size() - 1) / 510];
        continue;
      }
      text += fmt::format("\033[38;2;{};{};{}m", top[0], top[1], top[2]);
      if (bottom) text += fmt::format("\033[48;2;{};{};{}m", bottom[0], bottom[1], bottom[2]);
      text += "▀";
    }
    text += colours ? "\033[0m\n" : "\n";
  }
  return text;
}

}  // namespace hebb::apps
