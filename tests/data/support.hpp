#pragma once

#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "core/error.hpp"
#include "data/dataset.hpp"
#include "tests/catch.hpp"
#include "tests/temporary_folder.hpp"

namespace hebb::test {

using Bytes = std::vector<std::byte>;

inline Bytes bytes(std::initializer_list<int> values) {
  Bytes result;
  for (const int value : values) result.push_back(std::byte(value));
  return result;
}

inline void write_file(const std::string& path, std::span<const std::byte> content) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(content.data()), std::ssize(content));
}

inline void write_gzip(const std::string& path, std::span<const std::byte> content) {
  const gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, content.data(), unsigned(content.size()));
  gzclose(file);
}

inline Bytes read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto all = std::as_bytes(std::span(text));
  return {all.begin(), all.end()};
}

/// The message of the E that `function` throws; empty when it throws none.
template <class E, class Function>
std::string message_of(Function&& function) {
  try {
    function();
  } catch (const E& error) {
    return error.what();
  }
  return {};
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool can_limit_memory = false;  // sanitizers reserve all of the address space
#else
inline constexpr bool can_limit_memory = true;
#endif

/// Inside its life the process cannot take more than `bytes` of further address space: an
/// allocation beyond that throws std::bad_alloc.
class MemoryLimit {
 public:
  explicit MemoryLimit(size_t bytes) {
    if (!can_limit_memory) return;
    size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    getrlimit(RLIMIT_AS, &previous_);
    rlimit limit = previous_;
    limit.rlim_cur = pages * size_t(sysconf(_SC_PAGESIZE)) + bytes;
    setrlimit(RLIMIT_AS, &limit);
  }
  ~MemoryLimit() {
    if (can_limit_memory) setrlimit(RLIMIT_AS, &previous_);
  }
  MemoryLimit(const MemoryLimit&) = delete;
  MemoryLimit& operator=(const MemoryLimit&) = delete;

 private:
  rlimit previous_{};
};

/// `samples` images [channels, height, width] that all differ: image i begins with the bytes of i,
/// and its label is i modulo 10.
inline Dataset numbered_dataset(int64_t samples, int64_t channels, int64_t height, int64_t width) {
  Dataset dataset{
      .images = Tensor::empty({samples, channels, height, width}, {.dtype = DType::uint8}),
      .labels = Tensor::empty({samples}, {.dtype = DType::int64}),
      .classes = 10,
      .name = "numbered",
      .description = ""};
  const int64_t pixels = channels * height * width;
  const auto images = dataset.images.host<uint8_t>();
  for (int64_t i = 0; i < samples; ++i) {
    for (int64_t j = 0; j < pixels; ++j) images[size_t(i * pixels + j)] = uint8_t(7 * i + 3 * j);
    images[size_t(i * pixels)] = uint8_t(i);
    images[size_t(i * pixels + 1)] = uint8_t(i >> 8);
    dataset.labels.host<int64_t>()[size_t(i)] = i % 10;
  }
  return dataset;
}

}  // namespace hebb::test
