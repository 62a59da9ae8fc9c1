#include "apps/common/app.hpp"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "core/atomic_file.hpp"
#include "core/backend.hpp"
#include "core/log.hpp"
#include "core/profile.hpp"
#include "optim/trainer.hpp"

namespace hebb::apps {
namespace {

volatile std::sig_atomic_t interrupted = 0;

void on_signal(int signal) {
  if (interrupted) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
  interrupted = 1;
}

// HEBB_PROFILE=FILE: what the program's time goes into, also of a run that fails.
class ProfileFile {
 public:
  ProfileFile() {
    const char* path = std::getenv("HEBB_PROFILE");
    if (!path || !*path) return;
    path_ = path;
    AtomicFile file(path_);  // now, rather than after hours, where it cannot be written
    start_profile();
  }
  ~ProfileFile() {
    if (!path_.empty() && profiling()) stop_profile();
  }
  ProfileFile(const ProfileFile&) = delete;
  ProfileFile& operator=(const ProfileFile&) = delete;

  void write() {
    if (path_.empty() || !profiling()) return;
    AtomicFile file(path_);
    file.write(stop_profile());
    file.commit();
  }

 private:
  std::string path_;
};

// The arguments, last one first, as CLI11 has them. It takes `--lr=` for a flag without a value,
// and says so in other words than of `--lr ''`.
std::vector<std::string> arguments(int argc, char** argv) {
  std::vector<std::string> all;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1) {
      all.emplace_back(argument.substr(0, argument.size() - 1));
      all.emplace_back();
    } else {
      all.emplace_back(argument);
    }
  }
  std::reverse(all.begin(), all.end());
  return all;
}

}  // namespace

Device parse_device(const std::string& text) {
  const Device device = parse_flag("--device", [&] { return Device::parse(text); });
  backend_for(device);
  return device;
}

std::string device_header(Device device) {
  Backend& backend = backend_for(device);
  const std::string details = backend.details();
  return details.empty() ? "" : fmt::format("{}: {}", backend.name(), details);
}

Interrupt::Interrupt() {
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction action {};
    action.sa_handler = on_signal;
    sigaction(signal, &action, nullptr);
  }
}

bool Interrupt::requested() { return interrupted != 0; }

void Interrupt::request() { interrupted = 1; }

int run_app(const AppInfo& info, int argc, char** argv,
            const std::function<void(CLI::App&)>& add_flags,
            const std::function<void(CLI::App&)>& body) {
  CLI::App app(info.description, info.name);
  const auto failed = [&](const std::string& message, int code) {
    if (info.before_failure) info.before_failure();
    fmt::print(stderr, "{}: {}\n", info.name, message);
    return code;
  };
  add_flags(app);
  try {
    app.parse(arguments(argc, argv));
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return failed(fmt::format("{} (see --help)", error.what()), 2);
  }
  set_log_sink([&app](LogLevel level, std::string_view message) {
    if (level == LogLevel::warning) fmt::print(stderr, "{}: {}\n", app.get_name(), message);
  });
  try {
    ProfileFile profile;
    try {
      body(app);
    } catch (...) {
      profile.write();
      throw;
    }
    profile.write();
    if (std::fflush(stdout) != 0) return failed("standard output cannot be written", 1);
    return Interrupt::requested() ? 130 : 0;
  } catch (const UsageError& error) {
    return failed(error.what(), 2);
  } catch (const DivergenceError& error) {
    return failed(error.what(), 3);
  } catch (const std::bad_alloc&) {
    return failed("not enough memory", 1);
  } catch (const std::exception& error) {
    return failed(error.what(), 1);
  }
}

}  // namespace hebb::apps
