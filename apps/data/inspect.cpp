#include "apps/data/inspect.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <map>

#include "core/check.hpp"
#include "core/serialize.hpp"
#include "data/byte_reader.hpp"
#include "data/cifar.hpp"
#include "data/idx.hpp"

namespace hebb::apps {
namespace {

namespace fs = std::filesystem;

template <class T>
std::string class_counts(std::span<const T> labels) {
  std::map<int64_t, int64_t> counts;
  for (const T label : labels) ++counts[int64_t(label)];
  std::string text = "class     count\n";
  for (const auto& [label, count] : counts) text += fmt::format("{:>5} {:>9}\n", label, count);
  return text;
}

// "train-images-idx3-ubyte.gz" has its labels in "train-labels-idx1-ubyte.gz", or the same without
// ".gz".
std::optional<fs::path> labels_beside(const fs::path& path) {
  std::string name = path.filename().string();
  const size_t at = name.find("-images-idx3-");
  if (at == name.npos) return std::nullopt;
  name.replace(at, std::string_view("-images-idx3-").size(), "-labels-idx1-");
  const std::string other = name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name + ".gz";
  for (const std::string& candidate : {name, other})
    if (fs::is_regular_file(path.parent_path() / candidate)) return path.parent_path() / candidate;
  return std::nullopt;
}

Inspected inspect_idx(const fs::path& path) {
  const Tensor tensor = read_idx(path.string());
  Inspected result{.report = fmt::format("IDX, {}\n", tensor.to_string())};
  if (tensor.dtype() != DType::uint8) return result;
  const Shape& shape = tensor.shape();
  if (tensor.rank() == 1) result.report += class_counts<uint8_t>(tensor.host<uint8_t>());
  if (tensor.rank() == 4 && (shape[1] == 1 || shape[1] == 3)) result.images = tensor;
  if (tensor.rank() != 3) return result;
  result.images = tensor.view({shape[0], 1, shape[1], shape[2]});
  if (const std::optional<fs::path> beside = labels_beside(path)) {
    const Tensor labels = read_idx(beside->string());
    result.report += fmt::format("labels: {}, {}\n", beside->string(), labels.to_string());
    if (labels.dtype() == DType::uint8 && labels.rank() == 1)
      result.report += class_counts<uint8_t>(labels.host<uint8_t>());
  }
  return result;
}

Inspected inspect_cifar(const fs::path& path) {
  const Dataset batch = read_cifar10(path.string());
  return {.report = fmt::format("CIFAR-10 batch, {}\n{}", batch.images.to_string(),
                                class_counts<int64_t>(batch.labels.host<int64_t>())),
          .images = batch.images};
}

Inspected inspect_safetensors(const fs::path& path) {
  const SafetensorsFile file = load_safetensors(path);
  std::string text = fmt::format("safetensors, {} tensors\n", file.tensors.size());
  size_t width = 0;
  int64_t elements = 0;
  for (const auto& [name, tensor] : file.tensors) {
    width = std::max(width, name.size());
    elements += tensor.numel();
  }
  for (const auto& [name, tensor] : file.tensors)
    text += fmt::format("{:<{}}  {}\n", name, width, tensor.to_string());
  text += fmt::format("{} elements\n", elements);
  for (const auto& [key, value] : file.metadata)
    text += fmt::format("metadata {}: {}\n", key, value);
  return {.report = text};
}

}  // namespace

Inspected inspect(const fs::path& path) {
  check<IoError>(!fs::is_directory(path), "{} is a folder, expected a file", path.string());
  std::array<std::byte, 9> head{};
  int64_t got = 0;
  {
    ByteReader reader(path.string(), "inspect");
    got = reader.read(head);
  }
  if (got == std::ssize(head) && head[8] == std::byte{'{'}) return inspect_safetensors(path);
  const auto type = head[2];
  if (got >= 4 && head[0] == std::byte{0} && head[1] == std::byte{0} &&
      (type == std::byte{0x08} || type == std::byte{0x0D} || type == std::byte{0x0E}))
    return inspect_idx(path);
  const fs::path name = path.extension() == ".gz" ? path.stem() : path.filename();
  if (name.extension() == ".bin") return inspect_cifar(path);
  fail<FormatError>(
      "{}: expected an IDX file, a batch of CIFAR-10 (NAME.bin) or a safetensors file",
      path.string());
}

}  // namespace hebb::apps
