#include "apps/data/unpack.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <memory>
#include <new>
#include <vector>

#include "apps/data/digest.hpp"
#include "core/atomic_file.hpp"
#include "core/check.hpp"

namespace hebb::apps {
namespace {

namespace fs = std::filesystem;

class Unpacker {
 public:
  Unpacker(const fs::path& path, fs::path folder, const std::vector<DataFile>& files)
      : path_(path),
        folder_(std::move(folder)),
        files_(files),
        unpacked_(files.size()),
        archive_(archive_read_new()) {
    if (!archive_) throw std::bad_alloc();
    archive_read_support_filter_all(archive_.get());
    archive_read_support_format_tar(archive_.get());
    constexpr size_t block_bytes = size_t(1) << 16;
    if (archive_read_open_filename(archive_.get(), path.c_str(), block_bytes) != ARCHIVE_OK)
      broken();
  }

  void run() {
    archive_entry* entry = nullptr;
    for (;;) {
      const int code = archive_read_next_header(archive_.get(), &entry);
      if (code == ARCHIVE_EOF) break;
      if (code != ARCHIVE_OK) broken();
      take(entry);
    }
    for (size_t i = 0; i < files_.size(); ++i)
      if (!unpacked_[i]) reject(files_[i].name, "is not in it");
    for (const std::unique_ptr<AtomicFile>& file : unpacked_) file->commit();
  }

 private:
  [[noreturn]] void broken() {
    const char* text = archive_error_string(archive_.get());
    fail<FormatError>("{}: {}", path_.string(), text ? text : "no archive");
  }
  [[noreturn]] void reject(const std::string& name, const std::string& what) const {
    fail<FormatError>("{}: \"{}\" {}", path_.string(), name, what);
  }

  void take(archive_entry* entry) {
    const char* text = archive_entry_pathname(entry);
    const fs::path name = text ? text : "";
    if (name.empty() || name.is_absolute() || std::ranges::find(name, "..") != name.end())
      reject(name.string(), "leaves the folder");
    if (archive_entry_hardlink(entry) || archive_entry_symlink(entry))
      reject(name.string(), "is a link");
    const auto type = archive_entry_filetype(entry);
    if (type != AE_IFREG && type != AE_IFDIR) reject(name.string(), "is neither file nor folder");
    const auto wanted = std::ranges::find(files_, name.filename().string(), &DataFile::name);
    if (type == AE_IFDIR || wanted == files_.end()) return;
    std::unique_ptr<AtomicFile>& target = unpacked_[size_t(wanted - files_.begin())];
    if (target) reject(name.string(), "is in it twice");
    if (archive_entry_size(entry) != wanted->bytes)
      reject(name.string(),
             fmt::format("is of {} bytes, expected {}", archive_entry_size(entry), wanted->bytes));
    target = std::make_unique<AtomicFile>(folder_ / wanted->name);
    copy(*target, *wanted);
  }

  void copy(AtomicFile& to, const DataFile& file) {
    Digest digest(file.digest);
    std::vector<std::byte> piece(size_t(1) << 18);
    for (;;) {
      const la_ssize_t got = archive_read_data(archive_.get(), piece.data(), piece.size());
      if (got < 0) broken();
      if (got == 0) break;
      const auto bytes = std::span<const std::byte>(piece).first(size_t(got));
      digest.add(bytes);
      to.write(bytes);
    }
    if (digest.finish() != file.digest)
      reject(file.name, "has other bytes than were published: the digest differs");
  }

  struct Free {
    void operator()(archive* a) const { archive_read_free(a); }
  };
  const fs::path& path_;
  fs::path folder_;
  const std::vector<DataFile>& files_;
  std::vector<std::unique_ptr<AtomicFile>> unpacked_;  // one for each of the files
  std::unique_ptr<archive, Free> archive_;
};

}  // namespace

void unpack(const fs::path& archive, const fs::path& folder, const std::vector<DataFile>& files) {
  Unpacker(archive, folder, files).run();
}

}  // namespace hebb::apps
