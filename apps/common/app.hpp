#pragma once

#include <functional>
#include <string>

#include "core/error.hpp"

namespace CLI {
class App;
}

namespace hebb::apps {

/// Wrong flags or values: one line, exit code 2.
class UsageError : public Error {
  using Error::Error;
};

/// Parses the flags, then runs `body`, and turns every failure into one line on stderr and an
/// exit code: 0 for success and --help, 2 for wrong flags, 1 for everything else, 130 for ^C.
int run_app(CLI::App& app, int argc, char** argv, const std::function<void()>& body);

/// Calls `parse` for a flag's value; what it throws becomes a UsageError that names the flag.
template <class Parse>
auto parse_flag(const std::string& flag, Parse&& parse) {
  try {
    return parse();
  } catch (const Error& error) {
    throw UsageError(flag + ": " + error.what());
  }
}

/// From its making on, the first ^C (or SIGTERM) is remembered instead of ending the program;
/// the second one ends it.
class Interrupt {
 public:
  Interrupt();
  static bool requested();
};

}  // namespace hebb::apps
