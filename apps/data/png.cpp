#include "apps/data/picture_grid.hpp"
#include "core/atomic_file.hpp"
#include "core/check.hpp"

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace hebb::apps {

void write_png(const std::filesystem::path& path, const Pixels& pixels) {
  check<ShapeError>(pixels.width > 0 && pixels.height > 0, "expected a picture, got no pixels");
  AtomicFile file(path);
  std::vector<std::byte> bytes;
  const auto collect = [](void* to, void* data, int size) {
    const auto* begin = static_cast<const std::byte*>(data);
    static_cast<std::vector<std::byte>*>(to)->assign(begin, begin + size);
  };
  const int made = stbi_write_png_to_func(collect, &bytes, int(pixels.width), int(pixels.height), 3,
                                          pixels.rgb.data(), int(pixels.width * 3));
  check<Error>(made != 0, "{}: cannot make a PNG", path.string());
  file.write(bytes);
  file.commit();
}

}  // namespace hebb::apps
