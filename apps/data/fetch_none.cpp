#include "apps/data/fetch.hpp"
#include "core/check.hpp"

namespace hebb::apps {

bool fetch(const Published&, const std::filesystem::path&, const FetchOptions&) {
  fail<Error>(
      "this hebb-data was built without libcurl and libarchive (on Debian: apt-get install "
      "libcurl4-openssl-dev libarchive-dev), so it cannot fetch");
}

}  // namespace hebb::apps
