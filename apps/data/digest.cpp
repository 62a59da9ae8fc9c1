#include "apps/data/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "core/check.hpp"
#include "data/byte_reader.hpp"

namespace hebb::apps {
namespace {

constexpr size_t piece_bytes = size_t(1) << 18;
constexpr size_t md5_digits = 32, sha256_digits = 64;

}  // namespace

void Digest::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Digest::Digest(std::string_view other) : context_(EVP_MD_CTX_new()) {
  check(other.size() == md5_digits || other.size() == sha256_digits,
        "[digest] expected {} or {} digits, got \"{}\"", md5_digits, sha256_digits, other);
  const EVP_MD* sort = other.size() == md5_digits ? EVP_md5() : EVP_sha256();
  check<Error>(context_ && EVP_DigestInit_ex(context_.get(), sort, nullptr) == 1,
               "[digest] OpenSSL has no {} here", other.size() == md5_digits ? "MD5" : "SHA-256");
}

void Digest::add(std::span<const std::byte> bytes) {
  EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

std::string Digest::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context_.get(), bytes.data(), &size);
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", bytes[i]);
  return text;
}

bool file_has_digest(const std::filesystem::path& path, const std::string& digest) {
  std::ifstream file(path, std::ios::binary);
  check<IoError>(bool(file), "cannot open {}: {}", path.string(), std::strerror(errno));
  Digest own(digest);
  std::vector<std::byte> piece(piece_bytes);
  while (file) {
    file.read(reinterpret_cast<char*>(piece.data()), std::streamsize(piece.size()));
    own.add(std::span(piece).first(size_t(file.gcount())));
  }
  check<IoError>(!file.bad(), "cannot read {}: {}", path.string(), std::strerror(errno));
  return own.finish() == digest;
}

bool content_has_digest(const std::filesystem::path& path, const std::string& digest) try {
  ByteReader reader(path.string(), "data");
  Digest own(digest);
  std::vector<std::byte> piece(piece_bytes);
  while (const int64_t got = reader.read(piece)) own.add(std::span(piece).first(size_t(got)));
  return own.finish() == digest;
} catch (const FormatError&) {
  return false;
}

}  // namespace hebb::apps
