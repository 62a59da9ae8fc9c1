// classify WEIGHTS IMAGE: which digit a network that examples/mlp or hebb-train has trained on
// MNIST or the digits sees in an image file (PNG, JPEG, BMP, ...), light on dark.

#include <hebb/hebb.hpp>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_RESIZE_IMPLEMENTATION
#include <stb_image.h>
#include <stb_image_resize.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <stdexcept>

using namespace hebb;

namespace {

constexpr int side = 28;

/// The image in grey as the networks were shown theirs: [1, 1, 28, 28], from 0 to 1.
Tensor read_image(const char* path) {
  int width = 0, height = 0, channels = 0;
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(
      stbi_load(path, &width, &height, &channels, 1), stbi_image_free);
  if (!pixels) throw std::runtime_error(std::string(path) + ": " + stbi_failure_reason());
  std::vector<uint8_t> small(size_t{side} * side);
  stbir_resize_uint8(pixels.get(), width, height, 0, small.data(), side, side, 0, 1);
  return Tensor::from(small, {1, 1, side, side}).to(DType::float32) / 255.0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) return std::fputs("usage: classify WEIGHTS.safetensors IMAGE\n", stderr), 2;
  const SafetensorsFile file = load_safetensors(argv[1]);
  const std::unique_ptr<Module> model =
      make_model(file.metadata.at("model"), {.input = {1, side, side}});
  model->load_state(file.tensors);

  const std::vector<float> shares = softmax((*model)(read_image(argv[2]))).to_vector<float>();
  const auto best = std::ranges::max_element(shares);
  std::printf("%d (%.1f %%)\n", int(best - shares.begin()), 100.0 * double(*best));
} catch (const std::exception& error) {
  return std::fprintf(stderr, "classify: %s\n", error.what()), 1;
}
