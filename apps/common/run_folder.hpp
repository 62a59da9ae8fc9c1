#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/common/folder_lock.hpp"
#include "apps/common/json.hpp"

namespace hebb::apps {

/// Replaces a file in one step: a reader sees the old text or the new one. IoError names the path.
void write_file(const std::filesystem::path& path, const std::string& text);

struct RunFolderOptions {
  bool overwrite = false;    ///< Replace the run that the folder holds.
  bool resume = false;       ///< Keep it.
  bool ignore_lock = false;  ///< Even where another program uses the folder.
};

/// What a run leaves behind: config.json, metrics.csv, metrics.jsonl, times.csv, summary.json and
/// the files that others put there.
class RunFolder {
 public:
  /// Makes the folder, and takes it for this program alone. IoError when that fails, or when it
  /// holds a run already and nothing was said about that.
  RunFolder(std::filesystem::path path, const RunFolderOptions& options);

  const std::filesystem::path& path() const { return path_; }
  /// Whether the run goes on that the folder holds.
  bool resumes() const { return resumes_; }
  void write_config(const Json& config) const;
  /// UsageError, which names them, for settings that are others than those that the folder's run
  /// has, but for `free` ones, which have no say in its results. `older` is what those settings
  /// stood at that older versions have not written down.
  void check_config(const Json& config, const std::vector<std::string>& free,
                    const Json& older) const;

  /// Forgets metrics, times and the summary.
  void clear_metrics();
  /// Appends a row to metrics.csv (the first row's keys make the header; where a later row lacks
  /// one its cell is empty) and metrics.jsonl, and one to times.csv, so that equal runs have equal
  /// metrics. Rows are in the files when this returns.
  void append_metrics(const Json& row, const Json& times);
  void write_summary(const Json& summary) const;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;
  struct Table {
    File file;
    std::vector<std::string> columns;
  };
  void append(File& file, const char* name, const std::string& text) const;
  void append(Table& table, const char* name, const Json& row) const;

  std::filesystem::path path_;
  std::optional<FolderLock> lock_;
  bool resumes_ = false;
  Table metrics_, times_;
  File jsonl_;
};

}  // namespace hebb::apps
