#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/common/json.hpp"

namespace hebb::apps {

/// Replaces a file in one step: a reader sees the old text or the new one. IoError names the path.
void write_file(const std::filesystem::path& path, const std::string& text);

/// What a run leaves behind: config.json, metrics.csv, metrics.jsonl, summary.json.
class RunFolder {
 public:
  /// Makes the folder. IoError when that fails or when it holds a run already, unless `overwrite`.
  RunFolder(std::filesystem::path path, bool overwrite);

  const std::filesystem::path& path() const { return path_; }
  void write_config(const Json& config) const;
  /// Appends a row to metrics.csv (the first row's keys make the header; where a later row lacks
  /// one its cell is empty) and metrics.jsonl. Rows are on disk when this returns.
  void append_metrics(const Json& row);
  void write_summary(const Json& summary) const;

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;
  void append(File& file, const char* name, const std::string& line);

  std::filesystem::path path_;
  std::vector<std::string> columns_;  // of metrics.csv
  File csv_, jsonl_;
};

}  // namespace hebb::apps
