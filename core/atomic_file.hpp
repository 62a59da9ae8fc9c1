#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

#include "core/api.hpp"

namespace HEBB_API hebb {

/// A file that appears under its name only when it is complete: it is written beside its place,
/// flushed to the disk and renamed by `commit`. Without a commit nothing is left behind, and what
/// stood there before stays. Every failure is an IoError.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

}  // namespace hebb
