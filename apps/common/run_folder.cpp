#include "apps/common/run_folder.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

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

RunFolder::RunFolder(fs::path path, bool overwrite) : path_(std::move(path)) {
  std::error_code error;
  fs::create_directories(path_, error);
  check<IoError>(!error, "{}: cannot create the folder: {}", path_.string(), error.message());
  check<IoError>(overwrite || !fs::exists(path_ / "config.json"),
                 "{} holds a run already; name another folder with --output or add --overwrite",
                 path_.string());
  for (const char* name : {"metrics.csv", "metrics.jsonl", "summary.json", "model.safetensors"})
    fs::remove(path_ / name, error);
}

void RunFolder::write_config(const Json& config) const {
  write_file(path_ / "config.json", config.dump(2) + '\n');
}

void RunFolder::append(File& file, const char* name, const std::string& line) {
  const fs::path path = path_ / name;
  if (!file) file.reset(std::fopen(path.c_str(), "wb"));
  if (!file) io_error(path, "open");
  if (std::fwrite(line.data(), 1, line.size(), file.get()) != line.size() ||
      std::fflush(file.get()) != 0)
    io_error(path, "write");
}

void RunFolder::append_metrics(const Json& row) {
  if (!csv_) {
    for (const auto& [column, cell] : row.items()) columns_.push_back(column);
    append(csv_, "metrics.csv", fmt::format("{}\n", fmt::join(columns_, ",")));
  }
  append(csv_, "metrics.csv", csv_line(row, columns_));
  append(jsonl_, "metrics.jsonl", row.dump() + '\n');
}

void RunFolder::write_summary(const Json& summary) const {
  write_file(path_ / "summary.json", summary.dump(2) + '\n');
}

}  // namespace hebb::apps
