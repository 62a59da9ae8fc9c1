#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/common/app.hpp"
#include "apps/common/progress.hpp"
#include "apps/common/run_folder.hpp"
#include "apps/fewshot/queue/schedule.hpp"
#include "apps/fewshot/report/formats.hpp"
#include "apps/fewshot/report/plot.hpp"
#include "apps/fewshot/settings.hpp"
#include "apps/fewshot/tuning/tuning.hpp"
#include "core/backend.hpp"
#include "data/catalog.hpp"
#include "distributed/device.hpp"
#include "distributed/program.hpp"

namespace hebb::apps {
namespace {

namespace fs = std::filesystem;

// Digits are made in memory: as many as the protocols need.
constexpr int64_t digits_to_train = 12'000;

class Program {
 public:
  Program(const FewShotSettings& settings, std::string command, Communicator& ranks)
      : settings_(settings),
        command_(std::move(command)),
        folder_(settings.output),
        communicator_(ranks) {}

  void run() {
    for (const std::string& name : settings_.datasets)
      if (!data_.contains(name))
        data_[name] = std::make_unique<RunData>(parse_flag("--dataset", [&] {
          return load_dataset(name, {.root = settings_.data, .digits_train = digits_to_train});
        }));
    const std::string header = device_header(settings_.training_device());
    if (root() && !header.empty()) fmt::print(stderr, "{}\n", header);
    if (root() && !folder_.empty()) open_journal();
    const Interrupt interrupt;
    if (settings_.tune)
      tune();
    else if (settings_.ablate)
      ablate();
    else
      report();
  }

 private:
  bool root() const { return communicator_.is_root(); }

  void open_journal() {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) throw IoError(fmt::format("{}: {}", folder_.string(), error.message()));
    const fs::path path = folder_ / "runs.jsonl";
    if (settings_.fresh) fs::remove(path);
    journal_ = Journal(path, std::string(backend_for(settings_.training_device()).name()));
  }

  // The runs of these cells, all draws of each; false when they did not come to their end, or this
  // is not the rank that reports.
  bool finish(const std::vector<RunKey>& cells, int64_t draws) {
    std::vector<RunKey> keys;
    for (RunKey key : cells)
      for (key.draw = 0; key.draw < draws; ++key.draw) keys.push_back(key);
    return finish(keys);
  }

  bool finish(const std::vector<RunKey>& keys) {
    using Clock = std::chrono::steady_clock;
    const Clock::time_point start = Clock::now();
    const size_t before = journal_.results().size();
    const bool done = execute(keys, data_, journal_, communicator_, settings_.quiet,
                              settings_.runs_at_once(communicator_.size()));
    if (!root()) return false;
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    fmt::print(stderr, "{} runs in {}{}\n", journal_.results().size() - before,
               format_duration(seconds),
               done              ? ""
               : folder_.empty() ? "; stopped"
                                 : "; stopped: the same command goes on from here");
    return done;
  }

  void write(const char* name, const std::string& text) const {
    if (!folder_.empty()) write_file(folder_ / name, text);
  }

  void report() {
    const Protocol protocol = settings_.protocol.protocol();
    const std::vector<RunKey> keys = settings_.cells(protocol, settings_.protocol.is_published());
    if (!finish(keys, settings_.draws)) return;
    const std::vector<Cell> cells =
        make_table(keys, settings_.draws, journal_.results(), settings_.against);
    fmt::print("{}", to_terminal(cells));
    if (folder_.empty()) return;
    write("table.md", to_markdown(cells));
    write("table.json", Json{{"command", command_},
                             {"protocol", settings_.protocol.name()},
                             {"seed", settings_.seed},
                             {"cells", to_json(cells)}}
                                .dump(2) +
                            '\n');
    write("runs.csv", to_csv(keys, settings_.draws, journal_.results()));
    write("images.csv", images_csv(keys, settings_.draws, data_));
    const bool plotted = plot(cells, folder_);
    fmt::print("\nIn {}: table.md, table.json, runs.csv, images.csv, table.gp{}\n",
               folder_.string(),
               plotted ? ", table.svg" : " (no gnuplot here to make table.svg of it)");
  }

  void ablate() {
    const std::vector<Ablation> ablations = settings_.ablations();
    std::vector<RunKey> keys;
    for (const Ablation& ablation : ablations)
      keys.insert(keys.end(), ablation.cells.begin(), ablation.cells.end());
    if (!finish(keys, settings_.draws)) return;
    const std::string text =
        ablation_table(ablations, settings_.draws, journal_.results(), in_columns);
    fmt::print("{}", text);
    write("ablation.md",
          ablation_table(ablations, settings_.draws, journal_.results(), in_markdown));
  }

  void tune() {
    const std::vector<RunKey> cells = settings_.cells_to_tune();
    std::vector<RunKey> keys;
    for (const RunKey& cell : cells) {
      const std::vector<RunKey> of_cell = trials(cell, settings_.tuning_draws);
      keys.insert(keys.end(), of_cell.begin(), of_cell.end());
    }
    if (!finish(keys)) return;
    const std::string text = choose(cells, settings_.tuning_draws, journal_.results(), command_);
    if (folder_.empty()) {
      fmt::print("{}", text);
      return;
    }
    write("tuned.json", text);
    fmt::print(
        "Wrote {}; hebb-fewshot takes it by --tuned, or from apps/fewshot/tuning/tuned.json "
        "when it is built\n",
        (folder_ / "tuned.json").string());
  }

  const FewShotSettings& settings_;
  std::string command_;
  fs::path folder_;
  DataSets data_;
  Communicator& communicator_;
  Journal journal_;
};

// The command without its folders, which are this machine's.
std::string command_line(int argc, char** argv) {
  std::string command = "hebb-fewshot";
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const bool folder = argument == "--data" || argument == "--output";
    command += fmt::format(" {}{}", argument, folder ? " DIR" : "");
    if (folder) ++i;
  }
  return command;
}

}  // namespace
}  // namespace hebb::apps

int main(int argc, char** argv) {
  using namespace hebb::apps;
  FewShotSettings settings;
  const std::unique_ptr<hebb::Communicator> ranks = hebb::Communicator::world();
  const int code = run_app(
      {.name = "hebb-fewshot",
       .description = "Few-shot learning from scratch: the paper's Table 1 for any "
                      "method, data set and protocol.",
       .before_failure = [&] { let_lower_ranks_speak(*ranks); }},
      argc, argv, [&](CLI::App& app) { settings.add_flags(app); },
      [&](const CLI::App& app) {
        settings.device = hebb::device_of_rank(settings.device, *ranks);
        settings.check_and_complete(app);
        Program(settings, command_line(argc, argv), *ranks).run();
      });
  return end_program(*ranks, code);
}
