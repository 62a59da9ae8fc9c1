#include "apps/common/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/check.hpp"

namespace hebb::apps {

FolderLock::FolderLock(const std::filesystem::path& folder, std::string_view advice) {
  const std::filesystem::path path = folder / "lock";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  check<IoError>(descriptor_ >= 0, "{}: cannot open: {}", path.string(), std::strerror(errno));
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  const int error = errno;
  ::close(descriptor_);
  check<IoError>(error == EWOULDBLOCK, "{}: cannot lock: {}", path.string(), std::strerror(error));
  fail<IoError>("{} is in use by another run; {}", folder.string(), advice);
}

FolderLock::~FolderLock() { ::close(descriptor_); }

}  // namespace hebb::apps
