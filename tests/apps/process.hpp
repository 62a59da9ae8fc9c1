#pragma once

#include <functional>
#include <string>
#include <vector>

namespace hebb::test {

struct ProcessResult {
  int code = -1;  ///< Exit code, or minus the signal that ended it.
  std::string output, errors;
};

struct ProcessOptions {
  std::function<void()> in_child = {};          ///< Run in the new process before the program.
  std::function<void(int pid)> meanwhile = {};  ///< Run here while the program runs.
};

/// Runs a program and waits for it.
ProcessResult run_process(const std::vector<std::string>& command,
                          const ProcessOptions& options = {});

/// Checks that the program ended with this code and one line on standard error that has this text.
void check_failure(const ProcessResult& result, int code, const std::string& text);

}  // namespace hebb::test
