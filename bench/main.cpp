#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>

#include "apps/common/app.hpp"
#include "apps/common/flags.hpp"
#include "apps/common/run_folder.hpp"
#include "bench/convolutions.hpp"
#include "bench/distributed.hpp"
#include "bench/measure.hpp"
#include "bench/memory.hpp"
#include "bench/operations.hpp"
#include "bench/peak.hpp"
#include "bench/steps.hpp"
#include "core/backend.hpp"
#include "core/conv_policy.hpp"
#include "core/parallel.hpp"
#include "core/precision.hpp"
#include "core/version.hpp"
#include "data/catalog.hpp"
#include "distributed/program.hpp"

namespace hebb::bench {
namespace {

struct Settings {
  std::vector<std::string> only;
  std::string data, json, device = "cpu", conv_policy{conv_policies().name_of(hebb::conv_policy())},
                          precision = "fp32";
  double seconds = 1;
  int64_t batch = 100;
  int threads = 1;
  bool stages = false, operations = false, memory = false, distributed = false;
};

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

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

std::vector<std::string> chosen_steps(const Settings& settings) {
  return settings.only.empty() ? step_names() : settings.only;
}

apps::Json run_steps(const Settings& settings, const Dataset& data) {
  apps::Json result = apps::Json::object();
  const Device device = Device::parse(settings.device);
  const Precision chosen = precision(device);
  const bool both = chosen != Precision::fp32;
  fmt::print("{:<22} {:>10} {:>21} {:>12}{}\n", "step", "median ms", "10 % to 90 %", "images/s",
             both ? "    fp32 ms   times" : "");
  for (const std::string& name : chosen_steps(settings)) {
    const double before = resident_mib();
    StepCase step(name, data, device);
    const auto run_in = [&](Precision precision) {
      return [&, precision] {
        set_precision(precision, device);
        step.run();
      };
    };
    auto [timing, fp32] =
        both ? measure_in_turns(run_in(chosen), run_in(Precision::fp32), settings.seconds)
             : std::pair{measure([&] { step.run(); }, settings.seconds), Timing{}};
    set_precision(chosen, device);
    for (double* time : {&timing.median, &timing.low, &timing.high, &fp32.median})
      *time /= step.steps_at_once();
    fmt::print("{:<22} {:>10.4f} {:>10.4f}{:>11.4f} {:>12.0f}", name, timing.median, timing.low,
               timing.high, double(step.batch_size()) / timing.median * 1e3);
    if (both) fmt::print(" {:>10.4f} {:>7.2f}", fp32.median, fp32.median / timing.median);
    fmt::print("\n");
    result[name] = to_json(timing);
    result[name]["images_per_second"] = double(step.batch_size()) / timing.median * 1e3;
    if (both) result[name]["fp32_ms"] = fp32.median;
    if (settings.memory) {
      const double peak = peak_resident_mib() - before;
      fmt::print("{:<22} {:>10.1f} MiB at the peak, model and batches included\n", "", peak);
      result[name]["peak_mib"] = peak;
    }
  }
  return result;
}

apps::Json run_stages(const Settings& settings, const Dataset& data) {
  using Clock = std::chrono::steady_clock;
  apps::Json result = apps::Json::object();
  fmt::print("\n{:<22}", "stages, median us");
  for (const char* stage : stage_names) fmt::print(" {:>10}", stage);
  fmt::print("\n");
  for (const std::string& name : chosen_steps(settings)) {
    StepCase step(name, data);
    if (!step.trains()) continue;
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

apps::Json run_convolutions(const Settings& settings, double peak) {
  apps::Json result = apps::Json::object();
  const Precision chosen = precision();
  const bool both = chosen != Precision::fp32;
  fmt::print("{:<36} {:<13} {:>10} {:>9} {:>7} {:>9}{}\n", "convolution", "algorithm", "median ms",
             "GFLOP/s", "peak", "error", both ? "    fp32 ms   times" : "");
  for (const ConvCase& c : conv_cases(settings.batch)) {
    if (!settings.only.empty() && !contains(settings.only, c.name)) continue;
    for (const auto& [direction, direction_name] : conv_directions) {
      const ConvResult r = measure_convolution(c, direction, chosen, settings.seconds / 4);
      const std::string name = fmt::format("{} {}", c.name, direction_name);
      const double speed = r.operations / r.timing.median * 1e-6;
      fmt::print("{:<36} {:<13} {:>10.3f} {:>9.1f} {:>5.0f} % {:>9.1e}", name, r.path,
                 r.timing.median, speed, 100 * speed / (peak * settings.threads), r.error);
      if (both)
        fmt::print(" {:>10.3f} {:>7.2f}", r.float32.median, r.float32.median / r.timing.median);
      fmt::print("\n");
      result[name] = to_json(r.timing);
      if (both) result[name]["fp32_ms"] = r.float32.median;
      result[name]["algorithm"] = r.path;
      result[name]["gflops"] = speed;
      result[name]["error"] = r.error;
    }
  }
  return result;
}

void check_only(const std::vector<std::string>& only, const std::vector<std::string>& known) {
  for (const std::string& name : only)
    if (!contains(known, name))
      throw apps::UsageError(
          fmt::format("--only: expected one of {}, got {}", fmt::join(known, ", "), name));
}

void check_steps(const std::vector<std::string>& only) {
  for (const std::string& name : only)
    if (!is_step(name))
      throw apps::UsageError(fmt::format("--only: expected MODEL/BATCH/KIND, such as {}, got {}",
                                         fmt::join(step_names(), ", "), name));
}

/// `steps`: times are of steps alone.
void configure(const Settings& settings, bool steps) {
  const Device device = apps::parse_device(settings.device);
  const bool more = settings.stages || settings.operations || settings.memory;
  if (!device.is_cpu() && (more || !steps))
    throw apps::UsageError(
        fmt::format("--device {}: expected steps alone, for all else that is timed runs on the CPU",
                    settings.device));
  if (more && !steps)
    throw apps::UsageError(
        "--stages, --operations and --memory: expected neither --distributed nor conv beside them");
  apps::parse_flag("--threads", [&] { set_num_threads(settings.threads); });
  apps::parse_flag("--conv-policy",
                   [&] { set_conv_policy(conv_policies().at(settings.conv_policy)); });
  apps::parse_flag("--precision",
                   [&] { set_precision(precisions().at(settings.precision), device); });
}

/// Prints what the numbers are about, and gives it for the file.
apps::Json describe(const Settings& settings, double peak, const std::string& images) {
  const std::string_view backend = backend_for(Device::parse(settings.device)).name();
  fmt::print("Hebb {}, {}, {} thread(s), {}, {}; peak {:.0f} GFLOP/s a core\n\n", version(),
             backend, settings.threads, settings.precision, images, peak);
  return {{"version", version()},
          {"backend", backend},
          {"threads", settings.threads},
          {"conv_policy", settings.conv_policy},
          {"precision", settings.precision},
          {"peak_gflops", peak}};
}

void write(const Settings& settings, const apps::Json& json) {
  if (!settings.json.empty()) apps::write_file(settings.json, json.dump(2) + '\n');
}

void run_conv_command(const Settings& settings) {
  std::vector<std::string> known;
  for (const ConvCase& c : conv_cases(settings.batch)) known.push_back(c.name);
  check_only(settings.only, known);
  configure(settings, false);
  const double peak = measure_peak();
  apps::Json json = describe(settings, peak, fmt::format("batches of {}", settings.batch));
  json["batch"] = settings.batch;
  json["convolutions"] = run_convolutions(settings, peak);
  write(settings, json);
}

void run_distributed(const Settings& settings, Communicator& ranks) {
  std::vector<std::string> known = step_names();
  std::erase_if(known, [](const std::string& name) { return name.ends_with("inference"); });
  check_only(settings.only, known);
  configure(settings, false);
  const Dataset data = load_images(settings.data);
  apps::Json json{{"ranks", ranks.size()}};
  if (ranks.is_root()) {
    json.update(describe(settings, measure_peak(), "images of " + data.name));
    fmt::print("{} rank(s)\n{:<22} {:>10} {:>10} {:>13} {:>10} {:>8}\n", ranks.size(), "step",
               "median ms", "waits ms", "of the step", "sums ms", "hidden");
  }
  for (const std::string& name : settings.only.empty() ? known : settings.only) {
    const DistributedTiming t = measure_distributed(name, data, ranks, settings.seconds);
    if (!ranks.is_root()) continue;
    fmt::print("{:<22} {:>10.4f} {:>10.4f} {:>11.1f} % {:>10.4f} {:>6.0f} %\n", name, t.step,
               t.waited, 100 * t.waited / t.step, t.alone, 100 * t.hidden());
    json["steps"][name] = {{"median_ms", t.step},
                           {"waited_ms", t.waited},
                           {"sums_ms", t.alone},
                           {"hidden", t.hidden()},
                           {"calls", t.calls}};
  }
  if (ranks.is_root()) write(settings, json);
}

void run(const Settings& settings) {
  check_steps(settings.only);
  if (settings.memory && settings.only.size() != 1)
    throw apps::UsageError(fmt::format(
        "--memory: expected one --only, since a process keeps what its earlier steps took, got {}",
        settings.only.size()));
  configure(settings, true);
  const std::vector<std::string> steps = chosen_steps(settings);
  const bool noise_alone = std::all_of(steps.begin(), steps.end(), takes_noise);
  const Dataset data = noise_alone ? Dataset{{}, {}, 0, "noise", {}} : load_images(settings.data);
  const double peak = measure_peak();
  apps::Json json = describe(settings, peak, "images of " + data.name);
  json["data"] = data.name;
  json["steps"] = run_steps(settings, data);
  if (settings.stages) json["stages"] = run_stages(settings, data);
  if (settings.operations) json["operations"] = run_operations(settings, peak);
  write(settings, json);
}

}  // namespace
}  // namespace hebb::bench

int main(int argc, char** argv) {
  hebb::bench::Settings settings;
  const auto add_flags = [&](CLI::App& app) {
    using hebb::apps::add_number;
    app.add_option(
           "--only", settings.only,
           "Steps to time, e.g. lenet5/100/bean-1 (any batch), or shapes, e.g. \"64-64 3x3 32x32\" "
           "(repeatable)")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    app.add_flag("--stages", settings.stages, "Time the stages of each training step, too");
    app.add_flag("--memory", settings.memory,
                 "Print the peak of the process's memory over the step that is timed, too");
    app.add_flag("--operations", settings.operations, "Time the operations on their own, too");
    app.add_flag("--distributed", settings.distributed,
                 "Time steps of training over the ranks of mpirun, instead, and say how long they "
                 "wait for sums, which take so long alone, and what of that backward hides");
    add_number(app, "--threads", settings.threads, hebb::apps::thread_counts);
    add_number(app, "--seconds", settings.seconds, {.above = 0, .at_most = 1e6},
               "Time for each step; a quarter for an operation");
    hebb::apps::add_data_folder(app, settings.data);
    app.add_option("--device", settings.device, "Where steps run: cpu or cuda:N")
        ->capture_default_str();
    app.add_option("--json", settings.json, "Write the numbers to this file as well");
    app.add_option("--conv-policy", settings.conv_policy, hebb::conv_policies().help())
        ->capture_default_str();
    app.add_option("--precision", settings.precision,
                   hebb::precisions().help() + "; others are timed in turns with fp32")
        ->capture_default_str();
    CLI::App& conv = *app.add_subcommand(
        "conv", "Times the convolutions of ResNet-18 and LeNet-5 in each direction, instead");
    conv.fallthrough();
    add_number(conv, "--batch", settings.batch, hebb::apps::some, "Images");
  };
  const std::unique_ptr<hebb::Communicator> ranks = hebb::Communicator::world();
  const int code =
      hebb::apps::run_app({.name = "hebb-bench",
                           .description = "Times steps of training and inference, and operations.",
                           .before_failure = [&] { let_lower_ranks_speak(*ranks); }},
                          argc, argv, add_flags, [&](const CLI::App& app) {
                            const bool conv = app.got_subcommand("conv");
                            if (conv && settings.distributed)
                              throw hebb::apps::UsageError("--distributed: expected no conv");
                            conv                   ? hebb::bench::run_conv_command(settings)
                            : settings.distributed ? hebb::bench::run_distributed(settings, *ranks)
                                                   : hebb::bench::run(settings);
                          });
  return end_program(*ranks, code);
}
