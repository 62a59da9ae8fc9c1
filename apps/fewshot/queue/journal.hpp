#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "apps/fewshot/study/run.hpp"

namespace hebb::apps {

/// Finished runs by their names.
using Results = std::map<std::string, RunResult>;

/// A file with a line of JSON for each finished run, written when the run ends, so that a killed
/// program goes on where it was. The first line names the backend: numbers of two instruction sets
/// differ in their last bits and are not mixed.
class Journal {
 public:
  /// Keeps nothing.
  Journal() = default;
  /// Reads what is there; a last line without its end is cut off. FormatError, with the line's
  /// number, for any other damage, ValueError for another backend's or version's numbers, IoError.
  Journal(std::filesystem::path path, const std::string& backend);
  ~Journal();
  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;

  const Results& results() const { return results_; }
  /// The line is in the file when this returns, whatever then happens to the program.
  void append(const std::string& name, const RunResult& result);

 private:
  // Takes the whole lines of the file in and returns how many bytes they are.
  size_t read(std::string_view text, const std::string& backend);
  void write(const std::string& line);

  std::filesystem::path path_;
  int descriptor_ = -1;
  Results results_;
};

}  // namespace hebb::apps
