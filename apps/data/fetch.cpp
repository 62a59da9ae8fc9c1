#include "apps/data/fetch.hpp"

#include <algorithm>

#include "apps/common/folder_lock.hpp"
#include "apps/common/progress.hpp"
#include "apps/data/digest.hpp"
#include "apps/data/unpack.hpp"
#include "core/check.hpp"
#include "data/catalog.hpp"

namespace hebb::apps {
namespace {

namespace fs = std::filesystem;

bool holds(const Published& dataset, const fs::path& root, const DataFile& file) {
  const auto path = find_data_file(dataset.folder, file.name, root.string());
  return path && content_has_digest(*path, file.digest);
}

}  // namespace

bool fetch(const Published& dataset, const fs::path& root, const FetchOptions& options) {
  const fs::path folder = root / dataset.folder;
  std::error_code error;
  fs::create_directories(folder, error);
  check<IoError>(!error, "cannot create the folder {}: {}", folder.string(), error.message());
  const FolderLock lock(folder, "wait until it has ended");
  std::vector<std::string> homes = dataset.homes;
  if (!options.mirror.empty()) homes = {options.mirror};

  for (const PublishedFile& download : dataset.downloads) {
    const bool packed = download.name.ends_with(".tar.gz");
    const auto part_of = [&](const DataFile& file) {
      return packed || download.name == file.name + ".gz";
    };
    const auto missing = [&](const DataFile& file) {
      return part_of(file) && !holds(dataset, root, file);
    };
    if (std::ranges::none_of(dataset.files, missing)) {
      options.download.say(fmt::format("{} is there already", download.name));
      continue;
    }
    std::vector<std::string> addresses;
    addresses.reserve(homes.size());
    for (const std::string& home : homes)
      addresses.push_back(home + (home.ends_with('/') ? "" : "/") + download.name);
    PartialFile file(folder / download.name);
    Progress bar(download.name, download.bytes, options.quiet);
    DownloadOptions with_bar = options.download;
    with_bar.progress = [&](int64_t bytes) {
      bar.update(bytes);
      options.download.progress(bytes);
    };
    with_bar.say = [&](const std::string& line) {
      bar.clear();
      options.download.say(line);
    };
    const auto right = [&] {
      return file_has_digest(file.path(), download.digest) &&
             (packed || std::ranges::all_of(dataset.files, [&](const DataFile& content) {
                return !part_of(content) || content_has_digest(file.path(), content.digest);
              }));
    };
    if (!hebb::apps::download(file, addresses, download.bytes, right, with_bar)) return false;
    bar.clear();
    if (packed) {
      unpack(file.path(), folder, dataset.files);
      file.remove();
    } else {
      file.commit();
    }
  }
  return true;
}

}  // namespace hebb::apps
