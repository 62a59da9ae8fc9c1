#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace hebb::apps {

/// MD5 or SHA-256 of bytes as they come.
class Digest {
 public:
  /// Of the sort that another digest is, which its length says.
  explicit Digest(std::string_view other);
  void add(std::span<const std::byte> bytes);
  /// In hexadecimal; nothing can be added afterwards.
  std::string finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// Whether the bytes of a file, as they are, or unpacked where they are gzip (which a damaged file
/// is not), have this digest. IoError.
bool file_has_digest(const std::filesystem::path& path, const std::string& digest);
bool content_has_digest(const std::filesystem::path& path, const std::string& digest);

}  // namespace hebb::apps
