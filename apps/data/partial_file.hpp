#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

namespace hebb::apps {

/// A file on its way, as NAME.partial, which stays when the program ends before it is whole, so
/// that the next one goes on from there. Every failure is an IoError.
class PartialFile {
 public:
  /// Of the file `path`, with what is there of it.
  explicit PartialFile(const std::filesystem::path& path);
  ~PartialFile();
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  const std::filesystem::path& path() const { return partial_; }
  int64_t size() const { return size_; }
  void append(std::span<const std::byte> bytes);
  void clear();
  /// Flushes it to the disk and gives it its name.
  void commit();
  void remove();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_, partial_;
  int descriptor_ = -1;
  int64_t size_ = 0;
};

}  // namespace hebb::apps
