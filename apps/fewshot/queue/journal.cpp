#include "apps/fewshot/queue/journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "apps/common/json_number.hpp"
#include "core/check.hpp"
#include "core/version.hpp"

namespace hebb::apps {
namespace {

Json header_for(const std::string& backend) {
  return {{"journal", "hebb-fewshot"}, {"version", version()}, {"backend", backend}};
}

Json to_json(const std::string& name, const RunResult& r) {
  return {{"run", name},
          {"correct", r.correct},
          {"total", r.total},
          {"epoch", r.epoch},
          {"validation_correct", r.validation_correct},
          {"validation_total", r.validation_total},
          {"seconds", r.seconds}};
}

std::pair<std::string, RunResult> from_json(const Json& line) {
  constexpr Range counts = {.at_least = 0, .at_most = 1e15};
  const auto count = [&](const char* key) { return read_integer(line, key, counts); };
  return {line.at("run").get<std::string>(),
          {.correct = count("correct"),
           .total = count("total"),
           .epoch = count("epoch"),
           .validation_correct = count("validation_correct"),
           .validation_total = count("validation_total"),
           .seconds = read_number(line, "seconds", {.at_least = 0})}};
}

}  // namespace

Journal::Journal(std::filesystem::path path, const std::string& backend) : Journal() {
  path_ = std::move(path);
  const auto io_error = [&](const char* what) {
    fail<IoError>("{}: cannot {}: {}", path_.string(), what, std::strerror(errno));
  };
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor_ < 0) io_error("open");
  check<IoError>(::flock(descriptor_, LOCK_EX | LOCK_NB) == 0,
                 "{}: another hebb-fewshot is writing to it", path_.string());
  std::ostringstream text;
  text << std::ifstream(path_, std::ios::binary).rdbuf();
  const size_t kept = read(text.view(), backend);
  if (::ftruncate(descriptor_, off_t(kept)) != 0 || ::lseek(descriptor_, off_t(kept), SEEK_SET) < 0)
    io_error("truncate");
  if (kept == 0) write(header_for(backend).dump());
}

size_t Journal::read(std::string_view text, const std::string& backend) {
  size_t kept = 0;
  for (int64_t number = 1; text.find('\n', kept) != text.npos; ++number) {
    const std::string_view line = text.substr(kept, text.find('\n', kept) - kept);
    kept += line.size() + 1;
    try {
      const Json json = Json::parse(line);
      if (number > 1)
        results_.insert(from_json(json));
      else
        check<ValueError>(json == header_for(backend),
                          "{}: its numbers are from another version or instruction set ({}, here "
                          "{}); name another folder with --output or start anew with --fresh",
                          path_.string(), line, header_for(backend).dump());
    } catch (const Json::exception&) {
      fail<FormatError>("{}: line {} is no record of a run", path_.string(), number);
    } catch (const FormatError& error) {
      fail<FormatError>("{}: line {} is no record of a run: {}", path_.string(), number,
                        error.what());
    }
  }
  return kept;
}

Journal::~Journal() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Journal::Journal(Journal&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      results_(std::move(other.results_)) {}

Journal& Journal::operator=(Journal&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(results_, other.results_);
  return *this;
}

void Journal::append(const std::string& name, const RunResult& result) {
  if (descriptor_ >= 0) write(to_json(name, result).dump());
  results_[name] = result;
}

void Journal::write(const std::string& line) {
  const std::string whole = line + '\n';
  size_t written = 0;
  while (written < whole.size()) {
    const ssize_t count = ::write(descriptor_, whole.data() + written, whole.size() - written);
    if (count < 0 && errno == EINTR) continue;
    check<IoError>(count > 0, "{}: cannot write: {}", path_.string(), std::strerror(errno));
    written += size_t(count);
  }
}

}  // namespace hebb::apps
