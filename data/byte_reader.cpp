#include "data/byte_reader.hpp"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "core/check.hpp"

namespace hebb {
namespace {
constexpr int64_t chunk_bytes = 1 << 20;
constexpr unsigned stream_buffer_bytes = 1 << 17;
}  // namespace

void ByteReader::Closer::operator()(gzFile_s* file) const { gzclose_r(file); }

ByteReader::ByteReader(const std::string& path, const char* format) : name_(path), format_(format) {
  errno = 0;
  file_.reset(gzopen(path.c_str(), "rb"));
  check<IoError>(file_ != nullptr, "[{}] cannot open {}: {}", format_, name_,
                 errno ? std::strerror(errno) : "out of memory");
  gzbuffer(file_.get(), stream_buffer_bytes);
}

ByteReader::ByteReader(std::span<const std::byte> bytes, std::string_view name, const char* format)
    : memory_(bytes), name_(name), format_(format) {}

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

ByteChunks::ByteChunks(ByteReader& reader, int64_t size) {
  const int64_t begin = reader.offset();
  for (int64_t have = 0; have < size; have += std::ssize(chunks_.back())) {
    const int64_t wanted = std::min(size - have, chunk_bytes);
    const int64_t got = reader.read(chunks_.emplace_back(size_t(wanted)));
    if (got < wanted)
      reader.fail(begin + have + got, "expected {} bytes of data from byte {} on, got {}", size,
                  begin, have + got);
  }
}

void ByteChunks::move_to(std::span<std::byte> to) {
  auto out = to.begin();
  for (std::vector<std::byte>& chunk : chunks_) {
    out = std::ranges::copy(chunk, out).out;
    chunk = std::vector<std::byte>();
  }
}

}  // namespace hebb
