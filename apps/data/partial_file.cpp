#include "apps/data/partial_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/check.hpp"

namespace hebb::apps {

PartialFile::PartialFile(const std::filesystem::path& path)
    : path_(path), partial_(path.string() + ".partial") {
  descriptor_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail("create");
  size_ = ::lseek(descriptor_, 0, SEEK_END);
}

PartialFile::~PartialFile() {
  ::close(descriptor_);
  std::error_code error;
  if (size_ == 0) std::filesystem::remove(partial_, error);
}

void PartialFile::fail(const char* what) const {
  hebb::fail<IoError>("cannot {} {}: {}", what, partial_.string(), std::strerror(errno));
}

void PartialFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write");
    size_ += written;
    bytes = bytes.subspan(size_t(written));
  }
}

void PartialFile::clear() {
  if (::ftruncate(descriptor_, 0) != 0) fail("write");
  size_ = 0;
}

void PartialFile::commit() {
  if (::fsync(descriptor_) != 0) fail("write");
  if (std::rename(partial_.c_str(), path_.c_str()) != 0) fail("rename");
  const int folder = ::open(path_.parent_path().c_str(), O_RDONLY | O_CLOEXEC);
  ::fsync(folder);
  ::close(folder);
}

void PartialFile::remove() {
  std::error_code error;
  std::filesystem::remove(partial_, error);
}

}  // namespace hebb::apps
