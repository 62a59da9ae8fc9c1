#pragma once

#include <functional>
#include <string>

#include "core/device.hpp"
#include "core/error.hpp"

namespace CLI {
class App;  // CLI11 costs each file that includes it seconds to compile
}

namespace hebb::apps {

/// Wrong flags or values: one line, exit code 2.
class UsageError : public Error {
  using Error::Error;
};

/// What an executable says of itself.
struct AppInfo {
  std::string name, description;
  std::function<void()> before_failure = {};  ///< Called before a failure is said.
};

/// Parses the flags that `add_flags` describes, then runs `body`, and turns every failure into one
/// line on stderr and an exit code: 0 for success and --help, 2 for wrong flags, 3 for training
/// that diverged, 1 for everything else, 130 for ^C.
int run_app(const AppInfo& info, int argc, char** argv,
            const std::function<void(CLI::App&)>& add_flags,
            const std::function<void(CLI::App&)>& body);

/// Calls `parse` for a flag's value; what it throws becomes a UsageError that names the flag.
template <class Parse>
auto parse_flag(const std::string& flag, Parse&& parse) {
  try {
    return parse();
  } catch (const Error& error) {
    throw UsageError(flag + ": " + error.what());
  }
}

/// What --device names, "cpu" or "cuda:N": UsageError for others, DeviceError where this build or
/// machine has no such device.
Device parse_device(const std::string& text);
/// The line of a run's header on a device with versions of its own: "cuda:0 (...): driver ...".
/// Empty for the CPU.
std::string device_header(Device device);

/// From its making on, the first ^C (or SIGTERM) is remembered instead of ending the program;
/// the second one ends it.
class Interrupt {
 public:
  Interrupt();
  static bool requested();
  static void request();  ///< As ^C does, on another rank.
};

}  // namespace hebb::apps
