#include "data/cifar.hpp"

#include "tests/data/support.hpp"

using namespace hebb;
using namespace hebb::test;

namespace {

constexpr size_t record_bytes = 3073;

Bytes small_batch(size_t records) {
  Bytes file;
  for (size_t i = 0; i < records * record_bytes; ++i)
    file.push_back(std::byte(i % record_bytes == 0 ? (i / record_bytes + 3) % 10 : i * 31 % 256));
  return file;
}

std::string format_error_of(std::span<const std::byte> file, int64_t records) {
  return message_of<FormatError>([&] { parse_cifar10(file, "small.bin", records); });
}

}  // namespace

TEST_CASE("cifar: records become images and labels", "[data]") {
  const Bytes file = small_batch(300);  // more than a chunk
  const TemporaryFolder folder;
  write_file(folder / "batch.bin", file);
  write_gzip(folder / "batch.bin.gz", file);
  for (const Dataset& dataset :
       {parse_cifar10(file, "batch", 300), read_cifar10(folder / "batch.bin"),
        read_cifar10(folder / "batch.bin.gz", 300)}) {
    REQUIRE(dataset.images.shape() == Shape{300, 3, 32, 32});
    const auto images = dataset.images.host<uint8_t>();
    for (const size_t i : {size_t(0), size_t(7), size_t(256), size_t(299)}) {
      CHECK(dataset.labels.host<int64_t>()[i] == int64_t(i + 3) % 10);
      CHECK(images[i * 3072] == uint8_t(file[i * record_bytes + 1]));
      CHECK(images[i * 3072 + 3071] == uint8_t(file[i * record_bytes + 3072]));
    }
  }
}

TEST_CASE("cifar: every truncation is a FormatError at the end of the file", "[data]") {
  const Bytes file = small_batch(2);
  const MemoryLimit limit(size_t(16) << 20);
  for (size_t size = 0; size < file.size(); ++size) {
    const std::string message = format_error_of(std::span(file).first(size), 2);
    if (contains(message, "[cifar10] small.bin at byte " + std::to_string(size) + ": ")) continue;
    CAPTURE(size, message);
    FAIL_CHECK("expected a FormatError that names file and offset");
  }
  // Where the number of records is not known, a cut between two of them is none.
  CHECK(parse_cifar10(std::span(file).first(record_bytes), "small.bin").size() == 1);
}

TEST_CASE("cifar: labels over 9 are FormatErrors at their offset", "[data]") {
  const Bytes file = small_batch(3);
  for (size_t record = 0; record < 3; ++record) {
    for (int label = 10; label < 256; ++label) {
      Bytes damaged = file;
      damaged[record * record_bytes] = std::byte(label);
      const std::string message = format_error_of(damaged, 0);
      const std::string place = "small.bin at byte " + std::to_string(record * record_bytes) + ": ";
      if (contains(message, place) && contains(message, "got " + std::to_string(label))) continue;
      CAPTURE(record, label, message);
      FAIL_CHECK("expected a FormatError that names file and offset");
    }
  }
}

TEST_CASE("cifar: another number of records than expected", "[data]") {
  const Bytes file = small_batch(3);
  CHECK(contains(format_error_of(file, 2), "at byte 6146: expected only 2 records"));
  CHECK(contains(format_error_of(file, 4), "at byte 9219: expected 4 records, got 3"));
  CHECK(contains(format_error_of({}, 0), "at byte 0: expected 1 or more records, got 0"));
}

TEST_CASE("cifar: truncated gzip streams and absent files", "[data]") {
  const TemporaryFolder folder;
  const std::string path = folder / "batch.bin.gz";
  write_gzip(path, small_batch(2));
  const Bytes packed = read_file(path);
  for (size_t size = 0; size < packed.size(); ++size) {
    write_file(path, std::span(packed).first(size));
    const std::string message = message_of<FormatError>([&] { read_cifar10(path); });
    if (contains(message, "[cifar10] " + path + " at byte ")) continue;
    CAPTURE(size, message);
    FAIL_CHECK("expected a FormatError that names file and offset");
  }
  CHECK(contains(message_of<IoError>([&] { read_cifar10(folder / "absent"); }), "absent"));
}
