#include "apps/common/app.hpp"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <new>

#include "core/backend.hpp"
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

int failed(const CLI::App& app, const char* message, int code) {
  fmt::print(stderr, "{}: {}\n", app.get_name(), message);
  return code;
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

int run_app(const AppInfo& info, int argc, char** argv,
            const std::function<void(CLI::App&)>& add_flags,
            const std::function<void(CLI::App&)>& body) {
  CLI::App app(info.description, info.name);
  add_flags(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return failed(app, fmt::format("{} (see --help)", error.what()).c_str(), 2);
  }
  try {
    body(app);
    if (std::fflush(stdout) != 0) return failed(app, "standard output cannot be written", 1);
    return Interrupt::requested() ? 130 : 0;
  } catch (const UsageError& error) {
    return failed(app, error.what(), 2);
  } catch (const DivergenceError& error) {
    return failed(app, error.what(), 3);
  } catch (const std::bad_alloc&) {
    return failed(app, "not enough memory", 1);
  } catch (const std::exception& error) {
    return failed(app, error.what(), 1);
  }
}

}  // namespace hebb::apps
