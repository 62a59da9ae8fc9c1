#include "data/idx.hpp"

#include <csignal>

#include "data/mnist.hpp"
#include "tests/data/support.hpp"

using namespace hebb;
using namespace hebb::test;

namespace {

constexpr size_t header_bytes = 16;
constexpr size_t small_limit = size_t(16) << 20;

// uint8 [3, 4, 5] with elements 1, 2, 3, ...
Bytes small_file() {
  Bytes file = bytes({0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5});
  for (int i = 0; i < 60; ++i) file.push_back(std::byte(i + 1));
  return file;
}

std::string format_error_of(std::span<const std::byte> file) {
  return message_of<FormatError>([&] { parse_idx(file, "small.idx"); });
}

template <class T>
void check_round_trip(const Shape& shape) {
  const TemporaryFolder folder;
  std::vector<T> values(size_t(shape.numel()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = T(T(i * 37 % 251) / T(3));
  for (const std::string name : {"raw.idx", "packed.idx.gz"}) {
    write_idx(folder / name, Tensor::from(values, shape));
    const Tensor read = read_idx(folder / name);
    CHECK(read.shape() == shape);
    CHECK(read.to_vector<T>() == values);
  }
  CHECK(read_file(folder / "raw.idx").size() ==
        size_t(4 + 4 * shape.rank()) + values.size() * sizeof(T));
}

}  // namespace

TEST_CASE("idx: round trips, packed and not", "[data]") {
  for (const Shape& shape : {Shape{7}, Shape{5, 3}, Shape{4, 3, 2}, Shape{2, 3, 4, 5},
                             Shape{1, 2, 1, 2, 1, 2, 1, 2}, Shape{}, Shape{0, 28, 28}}) {
    CAPTURE(shape.to_string());
    check_round_trip<uint8_t>(shape);
    check_round_trip<float>(shape);
    check_round_trip<double>(shape);
  }
  check_round_trip<uint8_t>({3, 1000, 1001});  // several chunks
}

TEST_CASE("idx: bytes are big-endian", "[data]") {
  const Bytes file = bytes({0, 0, 0x0D, 1, 0, 0, 0, 2, 0x3F, 0x80, 0, 0, 0xC0, 0x20, 0, 0});
  CHECK(parse_idx(file, "floats").to_vector<float>() == std::vector<float>{1.0f, -2.5f});
  const TemporaryFolder folder;
  write_idx(folder / "floats", parse_idx(file, "floats"));
  CHECK(read_file(folder / "floats") == file);
}

TEST_CASE("idx: every truncation is a FormatError at the end of the file", "[data]") {
  const Bytes file = small_file();
  const MemoryLimit limit(small_limit);
  for (size_t size = 0; size < file.size(); ++size) {
    const std::string message = format_error_of(std::span(file).first(size));
    CAPTURE(size, message);
    CHECK(contains(message, "[idx] small.idx at byte " + std::to_string(size) + ": "));
  }
  CHECK(parse_idx(file, "small.idx").shape() == Shape{3, 4, 5});
}

TEST_CASE("idx: trailing bytes are a FormatError", "[data]") {
  Bytes file = small_file();
  file.push_back(std::byte{0});
  CHECK(contains(format_error_of(file), "[idx] small.idx at byte 76: "));
}

TEST_CASE("idx: every corruption of a header byte is a FormatError", "[data]") {
  const Bytes file = small_file();
  const MemoryLimit limit(small_limit);
  for (size_t at = 0; at < header_bytes; ++at) {
    for (int change = 1; change < 256; ++change) {
      Bytes damaged = file;
      damaged[at] ^= std::byte(change);
      const std::string message = format_error_of(damaged);
      if (contains(message, "[idx] small.idx at byte ")) continue;
      CAPTURE(at, change, message);
      FAIL_CHECK("expected a FormatError that names file and offset");
    }
  }
}

TEST_CASE("idx: unknown type codes are named", "[data]") {
  Bytes file = small_file();
  file[2] = std::byte{0x0B};
  const std::string message = format_error_of(file);
  CHECK(contains(message, "at byte 2: "));
  CHECK(contains(message, "0x0b"));
  CHECK(contains(message, "0x08 (uint8)"));
}

TEST_CASE("idx: a header that promises too much takes no memory", "[data]") {
  // 65,536 x 256 x 256 bytes, and extents whose product no integer holds.
  const Bytes promises[] = {
      bytes({0, 0, 8, 3, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0}),
      bytes({0, 0, 14, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}),
      bytes({0, 0, 8, 3, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255})};
  const TemporaryFolder folder;
  for (Bytes file : promises) {
    file.resize(1024);
    write_file(folder / "raw", file);
    write_gzip(folder / "packed.gz", file);
    const MemoryLimit limit(small_limit);
    CHECK_THROWS_AS(parse_idx(file, "promise"), FormatError);
    CHECK_THROWS_AS(read_idx(folder / "raw"), FormatError);
    CHECK_THROWS_AS(read_idx(folder / "packed.gz"), FormatError);
  }
  if (!can_limit_memory) WARN("memory cannot be limited under this sanitizer");
}

TEST_CASE("idx: the memory limit of these tests holds", "[data]") {
  if (!can_limit_memory) return;
  const MemoryLimit limit(small_limit);
  CHECK_THROWS_AS(std::vector<std::byte>(size_t(4) << 30), std::bad_alloc);
}

TEST_CASE("idx: damaged gzip streams", "[data]") {
  const TemporaryFolder folder;
  const std::string path = folder / "small.idx.gz";
  const Tensor tensor = parse_idx(small_file(), "small");
  write_idx(path, tensor);
  const Bytes packed = read_file(path);
  for (size_t size = 0; size < packed.size(); ++size) {
    write_file(path, std::span(packed).first(size));
    const std::string message = message_of<FormatError>([&] { read_idx(path); });
    CAPTURE(size, message);
    CHECK(contains(message, "[idx] " + path + " at byte "));
  }
  // Some bytes of gzip's own header (a time, a system) mean nothing to the content.
  int errors = 0;
  for (size_t at = 0; at < packed.size(); ++at) {
    Bytes damaged = packed;
    damaged[at] ^= std::byte{0x55};
    write_file(path, damaged);
    try {
      const Tensor read = read_idx(path);
      CHECK(read.to_vector<uint8_t>() == tensor.to_vector<uint8_t>());
    } catch (const FormatError&) {
      ++errors;
    }
  }
  CHECK(errors >= int(packed.size()) - 8);
}

TEST_CASE("idx: files that cannot be read or written", "[data]") {
  const TemporaryFolder folder;
  const std::string absent = folder / "absent.idx";
  CHECK(contains(message_of<IoError>([&] { read_idx(absent); }), absent));
  CHECK(contains(message_of<IoError>([&] { read_idx(folder.path()); }), folder.path()));
  const Tensor tensor = Tensor::from(std::vector<uint8_t>{1, 2}, {2});
  const std::string nowhere = folder / "no/such/folder.idx";
  CHECK(contains(message_of<IoError>([&] { write_idx(nowhere, tensor); }), nowhere));
  const Tensor labels = Tensor::from(std::vector<int64_t>{1, 2}, {2});
  CHECK_THROWS_AS(write_idx(folder / "labels.idx", labels), DTypeError);
  CHECK(folder.empty());
}

TEST_CASE("idx: a full disk leaves no half file", "[data]") {
  const TemporaryFolder folder;
  const Tensor tensor = Tensor::from(std::vector<double>(100'000, 0.1), {100'000});
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit previous{};
  getrlimit(RLIMIT_FSIZE, &previous);
  const rlimit limit{.rlim_cur = 500, .rlim_max = previous.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  std::vector<std::string> messages;
  for (const std::string name : {"raw.idx", "packed.idx.gz"})
    messages.push_back(message_of<IoError>([&] { write_idx(folder / name, tensor); }));
  setrlimit(RLIMIT_FSIZE, &previous);
  std::signal(SIGXFSZ, handler);
  CHECK(contains(messages[0], folder / "raw.idx"));
  CHECK(contains(messages[1], folder / "packed.idx.gz"));
  CHECK(folder.empty());
}

TEST_CASE("mnist: pairs of files", "[data]") {
  const TemporaryFolder folder;
  const Dataset dataset = numbered_dataset(23, 1, 5, 4);
  write_mnist(dataset, folder / "images.gz", folder / "labels");
  const Dataset read = read_mnist(folder / "images.gz", folder / "labels");
  CHECK(read.images.shape() == Shape{23, 1, 5, 4});
  CHECK(read.images.to_vector<uint8_t>() == dataset.images.to_vector<uint8_t>());
  CHECK(read.labels.to_vector<int64_t>() == dataset.labels.to_vector<int64_t>());
  CHECK_THROWS_AS(write_mnist(numbered_dataset(2, 3, 2, 2), folder / "i", folder / "l"),
                  ShapeError);

  const auto error_of = [&](const std::string& images, const std::string& labels) {
    return message_of<FormatError>([&] { read_mnist(images, labels, 9); });
  };
  const std::string images = folder / "images.gz", labels = folder / "labels";
  CHECK(
      contains(error_of(images, labels), labels + " at byte 17: expected a label below 9, got 9"));
  CHECK(contains(error_of(images, images), images + " at byte 3: expected labels of shape [N]"));
  CHECK(contains(error_of(labels, labels), labels + " at byte 3: "));
  write_idx(folder / "few", Tensor::from(std::vector<uint8_t>{1, 2}, {2}));
  CHECK(contains(error_of(images, folder / "few"), "at byte 4: expected 23 labels"));
}
