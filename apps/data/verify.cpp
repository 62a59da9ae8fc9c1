#include "apps/data/verify.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "apps/data/digest.hpp"
#include "data/catalog.hpp"

namespace hebb::apps {

std::string list_datasets(const std::string& root) {
  std::string text = fmt::format("data sets in {}\n", data_root(root));
  for (const Choice<LoadDataset>& dataset : known_datasets()) {
    const std::string name(dataset.name);
    std::string where = "made in memory, needs no files";
    if (published_datasets().contains(name)) {
      size_t found = 0;
      std::string folder;
      const Published& published = published_datasets().at(name);
      for (const DataFile& file : published.files)
        if (const auto path = find_data_file(name, file.name, root)) {
          ++found;
          folder = std::filesystem::path(*path).parent_path().string();
        }
      if (found == published.files.size())
        where = "in " + folder;
      else if (found > 0)
        where = fmt::format("{} of {} files in {}; hebb-data fetch {} gets the others", found,
                            published.files.size(), folder, name);
      else
        where = fmt::format("not here; hebb-data fetch {} gets it", name);
    }
    text += fmt::format("{:<14} {}\n", name, where);
  }
  return text;
}

Verified verify(const Published& dataset, const std::string& root) {
  Verified result;
  for (const DataFile& file : dataset.files) {
    const std::optional<std::string> path = find_data_file(dataset.folder, file.name, root);
    std::string verdict = "absent";
    if (path) verdict = content_has_digest(*path, file.digest) ? "as published" : "other bytes";
    if (verdict != "as published") ++result.wrong;
    result.report += fmt::format("{:<12} {}\n", verdict, path.value_or(file.name));
  }
  return result;
}

}  // namespace hebb::apps
