#include "data/byte_reader.hpp"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <new>
#include <system_error>
#include <vector>

#include "core/check.hpp"

namespace hebb {
namespace {
constexpr int64_t chunk_bytes = 1 << 20;
constexpr unsigned stream_buffer_bytes = 1 << 17;
constexpr int64_t deflate_ratio = 1032;  // at most, as zlib's documentation says
}  // namespace

void ByteReader::Closer::operator()(gzFile_s* file) const { gzclose_r(file); }

ByteReader::ByteReader(const std::string& path, const char* format)
    : name_(path), format_(format), longest_(INT64_MAX) {
  errno = 0;
  file_.reset(gzopen(path.c_str(), "rb"));
  check<IoError>(file_ != nullptr, "[{}] cannot open {}: {}", format_, name_,
                 errno ? std::strerror(errno) : "out of memory");
  gzbuffer(file_.get(), stream_buffer_bytes);
  std::error_code not_a_file;
  const uintmax_t packed = std::filesystem::file_size(path, not_a_file);
  if (!not_a_file && packed < uintmax_t(INT64_MAX / deflate_ratio))
    longest_ = int64_t(packed) * deflate_ratio;
}

ByteReader::ByteReader(std::span<const std::byte> bytes, std::string_view name, const char* format)
    : memory_(bytes), name_(name), format_(format), longest_(std::ssize(bytes)) {}

ByteReader::~ByteReader() = default;

int64_t ByteReader::read(std::span<std::byte> to) {
  int64_t count = 0;
  if (!file_) {
    count = std::min(std::ssize(to), std::ssize(memory_) - offset_);
    std::copy_n(memory_.begin() + offset_, count, to.begin());
    offset_ += count;
    return count;
  }
  while (count < std::ssize(to)) {
    const int64_t wanted = std::min(std::ssize(to) - count, chunk_bytes);
    const int got = gzread(file_.get(), to.data() + count, unsigned(wanted));
    if (got > 0) {
      count += got;
      offset_ += got;
    }
    if (got < wanted) {
      check_stream();
      break;
    }
  }
  return count;
}

void ByteReader::check_stream() {
  int code = Z_OK;
  const std::string_view message = gzerror(file_.get(), &code);  // "PATH: what happened"
  if (code == Z_MEM_ERROR) throw std::bad_alloc();
  if (code == Z_ERRNO) hebb::fail<IoError>("[{}] cannot read {}", format_, message);
  if (code == Z_BUF_ERROR) fail(offset_, "the gzip stream ends before it is complete");
  if (code != Z_OK && code != Z_STREAM_END)
    fail(offset_, "the gzip stream is damaged ({})", message.substr(message.rfind(": ") + 2));
}

void ByteReader::expect_end() {
  std::byte extra{};
  if (read({&extra, 1}) == 1) fail(offset_ - 1, "expected the end of the data, got more bytes");
}

void ByteReader::fail_with(int64_t offset, const std::string& what) const {
  throw FormatError(fmt::format("[{}] {} at byte {}: {}", format_, name_, offset, what));
}

void ByteReader::fail_short(int64_t begin, int64_t size) const {
  fail(offset_, "expected {} bytes of data from byte {} on, got {}", size, begin, offset_ - begin);
}

void ByteReader::expect(int64_t size) {
  if (size <= longest_ - offset_) return;
  const int64_t begin = offset_;
  std::vector<std::byte> piece(chunk_bytes);
  while (read(piece) == chunk_bytes) {
  }
  fail_short(begin, size);
}

void ByteReader::fill(std::span<std::byte> to) {
  const int64_t begin = offset_;
  if (read(to) < std::ssize(to)) fail_short(begin, std::ssize(to));
}

}  // namespace hebb
