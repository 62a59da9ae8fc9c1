#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "apps/common/app.hpp"
#include "apps/common/flags.hpp"
#include "apps/data/fetch.hpp"
#include "apps/data/inspect.hpp"
#include "apps/data/picture_grid.hpp"
#include "apps/data/verify.hpp"
#include "core/check.hpp"
#include "data/catalog.hpp"
#include "data/mnist.hpp"

namespace hebb::apps {
namespace {

struct DataSettings {
  std::string data, name, mirror, file, png, output;
  int attempts = 5, timeout = 30;
  int64_t images = 24;
  CatalogOptions digits;

  void add_flags(CLI::App& app);
};

std::string published_names() { return published_datasets().help(); }

void DataSettings::add_flags(CLI::App& app) {
  app.require_subcommand(1);
  CLI::App* list = app.add_subcommand("list", "Which data sets there are, and where");
  add_data_folder(*list, data);

  CLI::App* fetch = app.add_subcommand("fetch", "Get a data set to where all programs look for it");
  fetch->add_option("name", name, published_names())->required();
  fetch->add_option("--data", data,
                    "Folder of the data sets, made if it is missing (otherwise "
                    "$HEBB_DATA, then the cache folder)");
  fetch->add_option("--mirror", mirror,
                    "URL of a folder with the published files, instead of their homes");
  add_number(*fetch, "--attempts", attempts, {.at_least = 1, .at_most = 100},
             "At each address, before it is given up");
  add_number(*fetch, "--timeout", timeout, {.at_least = 1, .at_most = 3600},
             "Seconds without a byte that end an attempt");

  CLI::App* verify = app.add_subcommand("verify", "Compare a data set's files with the published");
  verify->add_option("name", name, published_names())->required();
  add_data_folder(*verify, data);

  CLI::App* make = app.add_subcommand("make",
                                      "Write a data set that is made in memory, as MNIST's "
                                      "four files");
  make->add_option("name", name, "digits")->required();
  make->add_option("--output", output, "Folder for the files")->required();
  add_number(*make, "--train", digits.digits_train, some, "Samples to train with");
  add_number(*make, "--test", digits.digits_test, some, "Samples to test with");
  add_number(*make, "--seed", digits.digits_seed, any_seed, "Decides everything random");

  CLI::App* inspect = app.add_subcommand("inspect", "Say what a file holds, and show its images");
  inspect->add_option("file", file, "IDX, CIFAR-10 (.bin), packed or not, or safetensors")
      ->required();
  inspect->add_option("--png", png, "Write the images to this file, instead of the terminal");
  add_number(*inspect, "--images", images, {.at_least = 0, .at_most = 10'000},
             "How many images to show");
  app.footer(
      "Examples:\n"
      "  hebb-data fetch mnist\n"
      "  hebb-data inspect ~/.cache/hebb/data/mnist/t10k-images-idx3-ubyte.gz\n"
      "  hebb-data inspect runs/lenet5/model.safetensors");
}

const Published& published(const std::string& name) {
  return *parse_flag("name", [&] { return &published_datasets().at(name); });
}

void run_fetch(const DataSettings& s) {
  const std::string root = data_root(s.data);
  const Interrupt interrupt;
  const auto say = [](const std::string& line) { fmt::print(stderr, "{}\n", line); };
  const bool done = fetch(published(s.name), root,
                          {.mirror = s.mirror,
                           .download = {.attempts = s.attempts,
                                        .stall_seconds = s.timeout,
                                        .stop = Interrupt::requested,
                                        .say = say}});
  if (done)
    fmt::print("{} is in {}, as published\n", s.name,
               (std::filesystem::path(root) / s.name).string());
  else
    say("interrupted; the same command goes on from here");
}

void run_verify(const DataSettings& s) {
  const Verified verified = verify(published(s.name), s.data);
  fmt::print("{}", verified.report);
  check<FormatError>(verified.wrong == 0, "{}: {} of {} files are not as published", s.name,
                     verified.wrong, published(s.name).files.size());
}

void run_make(const DataSettings& s) {
  if (s.name != "digits") throw UsageError("name: expected digits, got \"" + s.name + "\"");
  const DataPair pair = load_dataset("digits", s.digits);
  std::error_code error;
  std::filesystem::create_directories(s.output, error);
  check<IoError>(!error, "cannot create the folder {}: {}", s.output, error.message());
  const std::filesystem::path folder = s.output;
  write_mnist(pair.train, folder / "train-images-idx3-ubyte.gz",
              folder / "train-labels-idx1-ubyte.gz");
  write_mnist(pair.test, folder / "t10k-images-idx3-ubyte.gz",
              folder / "t10k-labels-idx1-ubyte.gz");
  fmt::print("{} + {} digits in {}; hebb-train --dataset mnist --data {} reads them\n",
             pair.train.size(), pair.test.size(), s.output, s.output);
}

int64_t terminal_width() {
  constexpr int64_t usual = 80;
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}

void run_inspect(const DataSettings& s) {
  const Inspected inspected = inspect(s.file);
  fmt::print("{}", inspected.report);
  check<FormatError>(inspected.images || s.png.empty(), "{} holds no images", s.file);
  if (!inspected.images || s.images == 0) return;
  const int64_t width = inspected.images->size(3);
  if (s.png.empty()) {
    const Pixels grid =
        make_grid(*inspected.images, s.images, (terminal_width() + 1) / (width + 1));
    fmt::print("{}", to_text(grid, isatty(STDOUT_FILENO) && !std::getenv("NO_COLOR")));
  } else {
    constexpr int64_t columns = 24;
    write_png(s.png, make_grid(*inspected.images, s.images, columns));
  }
}

}  // namespace
}  // namespace hebb::apps

int main(int argc, char** argv) {
  hebb::apps::DataSettings settings;
  return hebb::apps::run_app(
      {.name = "hebb-data", .description = "Gets, checks, makes and shows data sets."}, argc, argv,
      [&](CLI::App& app) { settings.add_flags(app); },
      [&](CLI::App& app) {
        using namespace hebb::apps;
        if (app.got_subcommand("list")) fmt::print("{}", list_datasets(settings.data));
        if (app.got_subcommand("fetch")) run_fetch(settings);
        if (app.got_subcommand("verify")) run_verify(settings);
        if (app.got_subcommand("make")) run_make(settings);
        if (app.got_subcommand("inspect")) run_inspect(settings);
      });
}
