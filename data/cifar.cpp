#include "data/cifar.hpp"

#include <algorithm>
#include <vector>

#include "core/check.hpp"
#include "data/byte_reader.hpp"

namespace hebb {
namespace {

constexpr int64_t cifar_classes = 10;
constexpr int64_t cifar_pixels = int64_t(3) * 32 * 32;
constexpr int64_t record_bytes = 1 + cifar_pixels;
constexpr int64_t records_per_chunk = 256;

Dataset read(ByteReader& reader, int64_t records) {
  // What a file without a header holds is known at its end only.
  std::vector<std::vector<std::byte>> chunks;
  int64_t count = 0;
  for (bool ended = false; !ended;) {
    std::vector<std::byte>& chunk = chunks.emplace_back(size_t(records_per_chunk * record_bytes));
    const int64_t got = reader.read(chunk);
    ended = got < std::ssize(chunk);
    chunk.resize(size_t(got));
    if (got % record_bytes != 0)
      reader.fail(reader.offset(), "expected records of {} bytes, the last one has {}",
                  record_bytes, got % record_bytes);
    for (int64_t at = 0; at < got; at += record_bytes, ++count) {
      const int64_t offset = reader.offset() - got + at;
      const int label = int(chunk[size_t(at)]);
      if (label >= cifar_classes)
        reader.fail(offset, "expected a label of at most 9, got {}", label);
      if (records != 0 && count == records)
        reader.fail(offset, "expected only {} records", records);
    }
  }
  if (count == 0 || (records != 0 && count < records))
    reader.fail(reader.offset(), "expected {} records, got {}",
                records ? std::to_string(records) : "1 or more", count);

  Dataset dataset{.images = Tensor::empty({count, 3, 32, 32}, {.dtype = DType::uint8}),
                  .labels = Tensor::empty({count}, {.dtype = DType::int64}),
                  .classes = cifar_classes,
                  .name = "cifar10",
                  .description = "CIFAR-10, binary version"};
  auto image = std::as_writable_bytes(dataset.images.host<uint8_t>()).begin();
  auto label = dataset.labels.host<int64_t>().begin();
  for (const std::vector<std::byte>& chunk : chunks) {
    for (auto record = chunk.begin(); record != chunk.end(); record += record_bytes) {
      *label++ = int64_t(*record);
      image = std::copy_n(record + 1, cifar_pixels, image);
    }
  }
  return dataset;
}

}  // namespace

Dataset read_cifar10(const std::string& path, int64_t records) {
  ByteReader reader(path, "cifar10");
  return read(reader, records);
}

Dataset parse_cifar10(std::span<const std::byte> bytes, std::string_view name, int64_t records) {
  ByteReader reader(bytes, name, "cifar10");
  return read(reader, records);
}

}  // namespace hebb
