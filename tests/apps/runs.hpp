#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/apps/process.hpp"
#include "tests/temporary_folder.hpp"

namespace hebb::test {

/// Runs of hebb-train on a MNIST of a few images, which is read in no time.
class Runs {
 public:
  explicit Runs(std::vector<std::string> flags);

  void restore_data() const;
  void change_data() const;
  /// The path of a run's folder, or of a file in one.
  std::string operator/(const std::string& name) const { return folder_ / name; }
  ProcessResult start(const std::string& name, std::vector<std::string> more = {},
                      const ProcessOptions& options = {}) const;
  void finish(const std::string& name, const std::vector<std::string>& more = {}) const;
  /// That two runs have the same files, and `b` none that is half written.
  void check_equal(const std::string& a, const std::string& b) const;

 private:
  TemporaryFolder folder_;
  std::vector<std::string> flags_;
};

/// Changes whenever a file is replaced; 0 where there is none.
ino_t identity(const std::string& path);

/// Waits until a file has been replaced.
void await_change(const std::string& path, ino_t before);

}  // namespace hebb::test
