#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/api.hpp"
#include "core/error.hpp"

struct gzFile_s;

/// Internal: the bytes of a file, unpacked where it is gzip, or of a piece of memory, read from
/// the first to the last by a format that knows how many it wants.
namespace HEBB_API hebb {

class ByteReader {
 public:
  /// IoError when the file cannot be opened. `format` and the path begin every message.
  ByteReader(const std::string& path, const char* format);
  ByteReader(std::span<const std::byte> bytes, std::string_view name, const char* format);
  ~ByteReader();
  ByteReader(const ByteReader&) = delete;
  ByteReader& operator=(const ByteReader&) = delete;

  /// Fills `to` as far as the stream goes and returns how many bytes that were. IoError when the
  /// system cannot read, FormatError when the gzip stream is damaged.
  int64_t read(std::span<std::byte> to);
  /// FormatError where the stream is too short for `size` bytes more, so that no memory is taken
  /// for what a header promises and no file of this length can hold.
  void expect(int64_t size);
  /// Fills `to`; FormatError when the stream ends before.
  void fill(std::span<std::byte> to);
  /// Where the next byte comes from, in the unpacked stream.
  int64_t offset() const { return offset_; }
  /// FormatError unless the stream ends here.
  void expect_end();

  /// FormatError about the byte at `offset`.
  template <class... Args>
  [[noreturn]] void fail(int64_t offset, fmt::format_string<Args...> format, Args&&... args) const {
    fail_with(offset, fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  [[noreturn]] void fail_with(int64_t offset, const std::string& what) const;
  [[noreturn]] void fail_short(int64_t begin, int64_t size) const;
  void check_stream();

  struct Closer {
    void operator()(gzFile_s* file) const;
  };
  std::unique_ptr<gzFile_s, Closer> file_;
  std::span<const std::byte> memory_;
  std::string name_;
  const char* format_;
  int64_t offset_ = 0, longest_;  // the stream is no longer than that
};

}  // namespace hebb
