#include "apps/assemblies/settings.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "apps/common/app.hpp"
#include "apps/common/flags.hpp"
#include "data/catalog.hpp"
#include "layers/models/registry.hpp"
#include "regularizers/parse.hpp"

namespace hebb::apps {

void AssembliesSettings::add_flags(CLI::App& app) {
  app.add_option("--figures", figures, "all, or some of the paper's figures: 1,2,3,4,5,6")
      ->capture_default_str();
  app.add_option("--dataset", dataset, known_datasets().help())->capture_default_str();
  add_data_folder(app, data);
  app.add_option("--models,--model", models,
                 fmt::format("Networks to analyse, each ARCHITECTURE[@SHOTS][+REGULARIZER]..., "
                             "separated by commas (otherwise the paper's: MLP and LeNet-5, plain "
                             "and with BEAN). Architectures: {}. Regularizers: {}",
                             known_models().help(), known_regularizers().help()));
  app.add_option("--checkpoint", checkpoints,
                 "NAME=FILE: the weights of a network, of its short name, instead of training it "
                 "(repeatable)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--output", output,
                 "Folder for report, figures and weights; weights that are there are used again")
      ->required();
  add_number(app, "--epochs", epochs, some);
  add_number(app, "--shot-epochs", shot_epochs, some, "Epochs of networks that learn from SHOTS");
  add_number(app, "--batch-size", batch_size, some, "Except with SHOTS, which go one by one");
  add_number(app, "--lr", lr, learning_rates, "Learning rate of Adam");
  add_number(app, "--train-limit", train_limit, any_count,
             "Train on this many samples, chosen by the seed; 0: all");
  add_number(app, "--test-limit", test_limit, any_count,
             "Analyse this many test samples, chosen by the seed; 0: all");
  add_number(app, "--clusters", clusters, {.at_least = 2, .at_most = 1e6},
             "Assemblies that K-means looks for");
  app.add_flag("--quick", quick, "A look within minutes: 4 epochs");
  add_number(app, "--seeds", seeds, any_seed,
             "Seeds of trainings: figures of the first one, means and spreads of all");
  add_number(app, "--seed", seed, any_seed, "Decides what is random in the analysis");
  add_number(app, "--threads", threads, thread_counts, "Threads; otherwise one for each core");
  app.add_option("--device", device, "What networks are trained on: cpu or cuda:N")
      ->capture_default_str();
  app.add_flag("--quiet", quiet, "Print the last lines only");
  app.footer(
      "Examples:\n"
      "  hebb-assemblies --data DIR --output report --quick\n"
      "  hebb-assemblies --data DIR --output report --seeds 1,2,3\n"
      "  hebb-assemblies --figures 2,5 --dataset fashion-mnist --data DIR --output report \\\n"
      "      --models \"lenet5,lenet5+bean:order=2,alpha=300,normalisation=published-code\" \\\n"
      "      --checkpoint lenet5=runs/plain/model.safetensors\n"
      "  hebb-assemblies --dataset cifar10 --data DIR --output report --models resnet18 \\\n"
      "      --checkpoint resnet18=runs/fast/model.safetensors --test-limit 2000");
}

void AssembliesSettings::apply_quick(const CLI::App& app) {
  if (quick && app.count("--epochs") == 0) epochs = 4;
}

std::vector<int> AssembliesSettings::figure_numbers() const {
  if (figures == "all") return {1, 2, 3, 4, 5, 6};
  std::vector<int> numbers;
  for (const std::string& text : CLI::detail::split(figures, ',')) {
    if (text.size() != 1 || text[0] < '1' || text[0] > '6')
      throw UsageError(
          fmt::format("--figures: expected all or numbers from 1 to 6, got \"{}\"", figures));
    const int number = text[0] - '0';
    if (std::ranges::find(numbers, number) == numbers.end()) numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

Json AssembliesSettings::to_json() const {
  return {{"figures", figures},
          {"dataset", dataset},
          {"data", data},
          {"models", models},
          {"checkpoints", checkpoints},
          {"epochs", epochs},
          {"shot_epochs", shot_epochs},
          {"batch_size", batch_size},
          {"lr", lr},
          {"train_limit", train_limit},
          {"test_limit", test_limit},
          {"clusters", clusters},
          {"quick", quick},
          {"seeds", seeds},
          {"seed", seed},
          {"threads", threads},
          {"device", device}};
}

}  // namespace hebb::apps
