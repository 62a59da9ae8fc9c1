#include "data/mnist.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "data/idx.hpp"

namespace hebb {

Dataset read_mnist(const std::string& images_path, const std::string& labels_path,
                   int64_t classes) {
  const Tensor images = read_idx(images_path), labels = read_idx(labels_path);
  const Shape& shape = images.shape();
  const auto expect = [](bool condition, const std::string& path, int64_t byte,
                         const std::string& wanted, const Tensor& got) {
    check<FormatError>(condition, "[mnist] {} at byte {}: expected {}, got {}", path, byte, wanted,
                       got.to_string());
  };
  expect(images.dtype() == DType::uint8, images_path, 2, "uint8 images", images);
  expect(images.rank() == 3, images_path, 3, "images of shape [N, H, W]", images);
  expect(labels.dtype() == DType::uint8, labels_path, 2, "uint8 labels", labels);
  expect(labels.rank() == 1, labels_path, 3, "labels of shape [N]", labels);
  expect(labels.size(0) == shape[0], labels_path, 4,
         fmt::format("{} labels for the images of {}", shape[0], images_path), labels);
  constexpr int64_t header_bytes = 8;
  Dataset dataset{.images = images.view({shape[0], 1, shape[1], shape[2]}),
                  .labels = Tensor::empty({shape[0]}, {.dtype = DType::int64}),
                  .classes = classes,
                  .name = "mnist",
                  .description = images_path};
  const auto from = labels.host<uint8_t>();
  const auto to = dataset.labels.host<int64_t>();
  for (int64_t i = 0; i < shape[0]; ++i) {
    check<FormatError>(from[i] < classes,
                       "[mnist] {} at byte {}: expected a label below {}, got {}", labels_path,
                       header_bytes + i, classes, from[i]);
    to[i] = from[i];
  }
  return dataset;
}

void write_mnist(const Dataset& dataset, const std::string& images_path,
                 const std::string& labels_path) {
  check_dataset(dataset);
  const Shape& shape = dataset.images.shape();
  check<ShapeError>(shape[1] == 1, "[write_mnist] expected images of one channel, got {}",
                    dataset.images.to_string());
  check(dataset.classes <= 256, "[write_mnist] expected at most 256 classes, got {}",
        dataset.classes);
  const Tensor labels = Tensor::empty({shape[0]}, {.dtype = DType::uint8});
  std::ranges::transform(dataset.labels.host<int64_t>(), labels.host<uint8_t>().begin(),
                         [](int64_t label) { return uint8_t(label); });
  write_idx(images_path, dataset.images.view({shape[0], shape[2], shape[3]}));
  write_idx(labels_path, labels);
}

}  // namespace hebb
