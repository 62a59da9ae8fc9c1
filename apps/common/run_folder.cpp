#include "apps/common/run_folder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "apps/common/app.hpp"
#include "core/atomic_file.hpp"
#include "core/check.hpp"

namespace hebb::apps {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void io_error(const fs::path& path, const char* what) {
  fail<IoError>("{}: cannot {}: {}", path.string(), what, std::strerror(errno));
}

std::string csv_line(const Json& row, const std::vector<std::string>& columns) {
  std::vector<std::string> cells;
  for (const std::string& column : columns) {
    const auto cell = row.find(column);
    cells.push_back(cell == row.end() || cell->is_null() ? "" : cell->dump());
  }
  return fmt::format("{}\n", fmt::join(cells, ","));
}

}  // namespace

void write_file(const fs::path& path, const std::string& text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

RunFolder::RunFolder(fs::path path, const RunFolderOptions& options) : path_(std::move(path)) {
  std::error_code error;
  fs::create_directories(path_, error);
  check<IoError>(!error, "{}: cannot create the folder: {}", path_.string(), error.message());
  if (!options.ignore_lock) lock_.emplace(path_, "name another folder, or add --ignore-lock");
  const bool holds_run = fs::exists(path_ / "config.json");
  check<IoError>(options.overwrite || options.resume || !holds_run,
                 "{} holds a run already; name another folder with --output, or add --resume or "
                 "--overwrite",
                 path_.string());
  // What a program left that was killed while it wrote.
  if (lock_)
    for (const fs::directory_entry& entry : fs::directory_iterator(path_, error))
      if (entry.path().extension() == ".partial") fs::remove(entry.path(), error);
  resumes_ = options.resume && holds_run;
  if (resumes_) return;
  // The run ends with its settings: without these, what is left of it counts for nothing.
  for (const char* name : {"config.json", "checkpoint.safetensors", "model.safetensors"})
    fs::remove(path_ / name, error);
  clear_metrics();
}

void RunFolder::write_config(const Json& config) const {
  write_file(path_ / "config.json", config.dump(2) + '\n');
}

void RunFolder::check_config(const Json& config, const std::vector<std::string>& free,
                             const Json& older) const {
  const fs::path path = path_ / "config.json";
  Json own = Json::parse(std::ifstream(path), nullptr, false);
  check<FormatError>(own.is_object(), "{}: expected an object with the run's settings",
                     path.string());
  if (const auto it = own.find("precision"); it != own.end() && *it == "float32")
    *it = "fp32";  // before it was a flag
  for (const auto& [key, value] : older.items())
    if (!own.contains(key)) own[key] = value;
  std::vector<std::string> differences;
  const auto text = [](const Json& object, const std::string& key) {
    return object.contains(key) ? object[key].dump() : "nothing";
  };
  const auto compare = [&](const std::string& key) {
    if (text(own, key) != text(config, key) && std::ranges::find(free, key) == free.end())
      differences.push_back(fmt::format("{} {} (here {})", key, text(own, key), text(config, key)));
  };
  for (const auto& [key, value] : own.items()) compare(key);
  for (const auto& [key, value] : config.items())
    if (!own.contains(key)) compare(key);
  if (!differences.empty())
    throw UsageError(fmt::format("--resume: {} holds a run with other settings: {}", path_.string(),
                                 fmt::join(differences, ", ")));
}

void RunFolder::clear_metrics() {
  std::error_code error;
  metrics_ = {};
  times_ = {};
  jsonl_.reset();
  for (const char* name : {"metrics.csv", "metrics.jsonl", "times.csv", "summary.json"})
    fs::remove(path_ / name, error);
}

void RunFolder::append(File& file, const char* name, const std::string& text) const {
  const fs::path path = path_ / name;
  if (!file) file.reset(std::fopen(path.c_str(), "wb"));
  if (!file) io_error(path, "open");
  if (std::fwrite(text.data(), 1, text.size(), file.get()) != text.size() ||
      std::fflush(file.get()) != 0)
    io_error(path, "write");
}

void RunFolder::append(Table& table, const char* name, const Json& row) const {
  std::string text;
  if (!table.file) {
    for (const auto& [column, cell] : row.items()) table.columns.push_back(column);
    text = fmt::format("{}\n", fmt::join(table.columns, ","));
  }
  append(table.file, name, text + csv_line(row, table.columns));
}

void RunFolder::append_metrics(const Json& row, const Json& times) {
  append(metrics_, "metrics.csv", row);
  append(jsonl_, "metrics.jsonl", row.dump() + '\n');
  append(times_, "times.csv", times);
}

void RunFolder::write_summary(const Json& summary) const {
  write_file(path_ / "summary.json", summary.dump(2) + '\n');
}

}  // namespace hebb::apps
