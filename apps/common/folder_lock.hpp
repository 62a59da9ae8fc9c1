#pragma once

#include <filesystem>
#include <string_view>

namespace hebb::apps {

/// Keeps other programs that ask the same way out of a folder, by a file in it, until it is
/// destroyed or the program ends, however it does.
class FolderLock {
 public:
  /// IoError when the file cannot be made, or another program holds it: then with `advice`.
  FolderLock(const std::filesystem::path& folder, std::string_view advice);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace hebb::apps
