#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>

#include "apps/common/app.hpp"
#include "apps/common/run_folder.hpp"
#include "bench/measure.hpp"
#include "bench/operations.hpp"
#include "bench/peak.hpp"
#include "bench/steps.hpp"
#include "core/backend.hpp"
#include "core/parallel.hpp"
#include "core/version.hpp"
#include "data/catalog.hpp"

namespace hebb::bench {
namespace {

struct Settings {
  std::vector<std::string> only;
  std::string data, json;
  double seconds = 1;
  int threads = 1;
  bool stages = false, operations = false;
};

// Real digits where they are there: their zeros are part of the work that training does.
Dataset load_images(const std::string& root) {
  try {
    return load_dataset("mnist", {.root = root}).train;
  } catch (const IoError&) {
    return load_dataset("digits", {.digits_train = 10'000, .digits_test = 10}).train;
  }
}

apps::Json to_json(const Timing& timing) {
  return {{"median_ms", timing.median},
          {"low_ms", timing.low},
          {"high_ms", timing.high},
          {"calls", timing.calls}};
}

apps::Json run_steps(const Settings& settings, const Dataset& data) {
  apps::Json result = apps::Json::object();
  fmt::print("{:<22} {:>10} {:>21} {:>12}\n", "training step", "median ms", "10 % to 90 %",
             "images/s");
  for (const std::string& name : settings.only.empty() ? step_names() : settings.only) {
    StepCase step(name, data);
    const Timing timing = measure([&] { step.run(); }, settings.seconds);
    fmt::print("{:<22} {:>10.4f} {:>10.4f}{:>11.4f} {:>12.0f}\n", name, timing.median, timing.low,
               timing.high, double(step.batch_size()) / timing.median * 1e3);
    result[name] = to_json(timing);
    result[name]["images_per_second"] = double(step.batch_size()) / timing.median * 1e3;
  }
  return result;
}

apps::Json run_stages(const Settings& settings, const Dataset& data) {
  using Clock = std::chrono::steady_clock;
  apps::Json result = apps::Json::object();
  fmt::print("\n{:<22}", "stages, median us");
  for (const char* stage : stage_names) fmt::print(" {:>10}", stage);
  fmt::print("\n");
  for (const std::string& name : settings.only.empty() ? step_names() : settings.only) {
    StepCase step(name, data);
    std::array<std::vector<double>, stage_names.size()> times;
    const Clock::time_point begin = Clock::now();
    while (times[0].size() < 10 ||
           Clock::now() - begin < std::chrono::duration<double>(settings.seconds)) {
      const std::vector<double> stages = step.run_stages();
      for (size_t i = 0; i < times.size(); ++i) times[i].push_back(stages[i]);
    }
    fmt::print("{:<22}", name);
    for (size_t i = 0; i < times.size(); ++i) {
      const Timing timing = summarize(times[i]);
      fmt::print(" {:>10.1f}", timing.median * 1e3);
      result[name][stage_names[i]] = to_json(timing);
    }
    fmt::print("\n");
  }
  return result;
}

apps::Json run_operations(const Settings& settings, double peak) {
  apps::Json result = apps::Json::object();
  fmt::print("\n{:<48} {:>10} {:>9} {:>7}\n", "operation", "median us", "GFLOP/s", "peak");
  for (const OperationCase& operation : operation_cases()) {
    const Timing timing = measure(operation.run, settings.seconds / 4);
    const double speed = operation.operations / timing.median * 1e-6;
    if (operation.operations > 0)
      fmt::print("{:<48} {:>10.2f} {:>9.1f} {:>5.0f} %\n", operation.name, timing.median * 1e3,
                 speed, 100 * speed / (peak * settings.threads));
    else
      fmt::print("{:<48} {:>10.2f}\n", operation.name, timing.median * 1e3);
    result[operation.name] = to_json(timing);
    if (operation.operations > 0) result[operation.name]["gflops"] = speed;
  }
  return result;
}

void run(const Settings& settings) {
  const std::vector<std::string> known = step_names();
  for (const std::string& name : settings.only)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw apps::UsageError(
          fmt::format("--only: expected one of {}, got {}", fmt::join(known, ", "), name));
  apps::parse_flag("--threads", [&] { set_num_threads(settings.threads); });
  const Dataset data = load_images(settings.data);
  const double peak = measure_peak();
  const std::string_view backend = backend_for(Device::cpu()).name();
  fmt::print("Hebb {}, {}, {} thread(s), float32, images of {}; peak {:.0f} GFLOP/s a core\n\n",
             version(), backend, settings.threads, data.name, peak);
  apps::Json json{{"version", version()}, {"backend", backend},     {"threads", settings.threads},
                  {"data", data.name},    {"precision", "float32"}, {"peak_gflops", peak}};
  json["steps"] = run_steps(settings, data);
  if (settings.stages) json["stages"] = run_stages(settings, data);
  if (settings.operations) json["operations"] = run_operations(settings, peak);
  if (!settings.json.empty()) apps::write_file(settings.json, json.dump(2) + '\n');
}

}  // namespace
}  // namespace hebb::bench

int main(int argc, char** argv) {
  hebb::bench::Settings settings;
  const auto add_flags = [&](CLI::App& app) {
    app.add_option("--only", settings.only, "Steps to time, e.g. lenet5/100/bean-1 (repeatable)");
    app.add_flag("--stages", settings.stages, "Time the stages of each step, too");
    app.add_flag("--operations", settings.operations, "Time the operations on their own, too");
    app.add_option("--threads", settings.threads)->capture_default_str();
    app.add_option("--seconds", settings.seconds, "Time for each step; a quarter for an operation")
        ->capture_default_str();
    app.add_option("--data", settings.data, "Folder of the data sets, for MNIST's images");
    app.add_option("--json", settings.json, "Write the numbers to this file as well");
  };
  return hebb::apps::run_app(
      {.name = "hebb-bench", .description = "Times training steps and operations."}, argc, argv,
      add_flags, [&](const CLI::App&) { hebb::bench::run(settings); });
}
