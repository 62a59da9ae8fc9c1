#include "apps/fewshot/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "apps/common/app.hpp"
#include "core/parallel.hpp"

namespace hebb::apps {
namespace {

// "bean-1=100" as a method and a number.
std::pair<std::string, double> parse_value(const std::string& text) {
  const size_t equals = text.find('=');
  double value = NAN;
  if (equals != text.npos) {
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + equals + 1, end, value);
    if (error != std::errc() || stop != end) value = NAN;
  }
  if (!std::isfinite(value))
    throw UsageError(fmt::format("--value: expected METHOD=NUMBER, got \"{}\"", text));
  return {text.substr(0, equals), value};
}

template <class T>
void require(const char* flag, const T& value, const T& least) {
  if (value < least)
    throw UsageError(fmt::format("{}: expected at least {}, got {}", flag, least, value));
}

}  // namespace

void FewShotSettings::add_flags(CLI::App& app) {
  app.add_flag("--table1", table1, "All of the paper's Table 1, with the Gaussian process");
  app.add_option("--dataset", datasets, "mnist, fashion-mnist, digits or cifar10")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--data", data,
                 "Folder of the data sets (otherwise $HEBB_DATA, then the cache folder)");
  app.add_option("--shots", shots, "Training images of each class")
      ->delimiter(',')
      ->capture_default_str();
  app.add_option("--draws", draws, "Independent draws of training images and initial weights")
      ->capture_default_str();
  app.add_option("--methods", methods,
                 "vanilla, dropout, weight-decay, l1, imitation, bean-1, bean-2, gaussian-process "
                 "(all but the last)")
      ->delimiter(',');
  app.add_option("--against", against, "The method that gains are over")->capture_default_str();
  app.add_option("--value", values,
                 "A method's parameter in place of the tuned one: bean-1=100 (repeatable)")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--seed", seed, "Decides everything random")->capture_default_str();
  protocol.add_flags(app);

  app.add_flag("--ablate-protocol", ablate,
               "What each switch of the protocol is worth, one at a time (on mnist with 1 and 10 "
               "shots unless said otherwise)");
  app.add_flag("--tune", tune, "Choose the methods' parameters, and write tuned.json")
      ->excludes("--table1")
      ->excludes("--ablate-protocol");
  app.add_option("--tuning-draws", tuning_draws, "Draws for each trial of --tune")
      ->capture_default_str();
  app.add_option("--tuned", tuned, "File of tuned values in place of the built-in ones");

  const std::string group = "Imitation networks and their Gaussian processes";
  const auto integer = [&](const char* flag, int64_t& target, const char* text) {
    app.add_option(flag, target, text)->capture_default_str()->group(group);
  };
  const auto number = [&](const char* flag, double& target, const char* text) {
    app.add_option(flag, target, text)->capture_default_str()->group(group);
  };
  integer("--gp-starts", imitation.gp_starts, "Members of the ensemble");
  integer("--gp-evaluations", imitation.gp_evaluations, "Of the marginal likelihood, each member");
  integer("--gp-rows", imitation.gp_rows, "Examples that it is evaluated on, at most");
  integer("--pseudo-examples", imitation.pseudo_examples, "Added in each step (Kimura: 1250)");
  integer("--imitation-steps", imitation.steps, "(Kimura: 8)");
  integer("--imitation-epochs", imitation.epochs, "Of each step (Kimura: 25)");
  integer("--imitation-batch", imitation.batch_size, "Pseudo examples in a batch");
  integer("--labelled-batch", imitation.labelled_batch, "Labelled examples in a batch, at most");
  number("--hard-weight", imitation.hard_weight, "λ1, of the labelled examples");
  number("--fidelity-high", imitation.fidelity_high, "λh, without uncertainty");
  number("--fidelity-mean", imitation.fidelity_mean, "λb, with the mean uncertainty");
  number("--ascent-lr", imitation.ascent_lr, "Adam's on pseudo examples (Kimura: 0.02)");
  integer("--ascent-steps", imitation.ascent_steps, "Of Adam for each new pseudo example");

  app.add_option("--output", output, "Folder of runs.jsonl and the tables; \"\" for none")
      ->capture_default_str();
  app.add_flag("--fresh", fresh, "Forget the runs that the folder holds");
  app.add_option("--threads", threads, "Runs at a time (otherwise one for each core)");
  app.add_flag("--quiet", quiet, "No progress bar");
  app.footer(
      "Examples:\n"
      "  hebb-fewshot --table1 --data DIR\n"
      "  hebb-fewshot --dataset mnist --data DIR --shots 1,10 --draws 20 --protocol published\n"
      "  hebb-fewshot --ablate-protocol --data DIR\n"
      "  hebb-fewshot --tune --dataset mnist,fashion-mnist --data DIR --output tuning\n"
      "  mpirun -n 4 hebb-fewshot --table1 --data DIR");
}

void FewShotSettings::check_and_complete(const CLI::App& app) {
  const auto given = [&](const char* flag) { return app.count(flag) > 0; };
  if (table1)
    for (const char* flag : {"--dataset", "--shots", "--methods"})
      if (given(flag)) throw UsageError(fmt::format("{} and --table1 exclude each other", flag));
  if (table1) datasets = {"mnist", "fashion-mnist"};
  if (ablate && !given("--shots")) shots = {1, 10};
  if (methods.empty())
    for (const Method& method : hebb::apps::methods()) {
      const bool extra = method.name == "gaussian-process";
      if ((!extra || table1) && !(ablate && (extra || method.name == "imitation")))
        methods.emplace_back(method.name);
    }
  for (const std::string& method : methods)
    parse_flag("--methods", [&] { return method_named(method); });
  if (given("--against") && (ablate || tune))
    throw UsageError("--against has no meaning with --ablate-protocol or --tune");
  if (given("--against") && std::ranges::find(methods, against) == methods.end())
    throw UsageError(fmt::format("--against: expected one of the methods {}, got \"{}\"",
                                 fmt::join(methods, ", "), against));
  for (const std::string& value : values) {
    const auto [name, number] = parse_value(value);
    const Method& method =
        parse_flag("--value", [&]() -> const Method& { return method_named(name); });
    if (method.parameter.empty())
      throw UsageError(fmt::format("--value: {} has no parameter", name));
    require("--value", number, 0.0);
    if (name == "dropout" && number >= 1)
      throw UsageError(fmt::format("--value: expected dropout below 1, got {}", number));
  }
  for (const int64_t count : shots) require<int64_t>("--shots", count, 1);
  require<int64_t>("--draws", draws, 1);
  require<int64_t>("--tuning-draws", tuning_draws, 1);
  if (given("--threads")) parse_flag("--threads", [&] { set_num_threads(threads); });
  const ImitationOptions& o = imitation;
  for (const auto& [flag, value] : {std::pair("--gp-starts", o.gp_starts),
                                    {"--gp-rows", o.gp_rows},
                                    {"--pseudo-examples", o.pseudo_examples},
                                    {"--imitation-steps", o.steps},
                                    {"--imitation-epochs", o.epochs},
                                    {"--imitation-batch", o.batch_size},
                                    {"--labelled-batch", o.labelled_batch}})
    require<int64_t>(flag, value, 1);
  require<int64_t>("--gp-evaluations", o.gp_evaluations, 0);
  require<int64_t>("--ascent-steps", o.ascent_steps, 0);
  for (const auto& [flag, value] :
       {std::pair("--hard-weight", o.hard_weight), {"--ascent-lr", o.ascent_lr}})
    require(flag, value, 0.0);
  for (const auto& [flag, value] :
       {std::pair("--fidelity-high", o.fidelity_high), {"--fidelity-mean", o.fidelity_mean}})
    if (!(value > 0)) throw UsageError(fmt::format("{}: expected above 0, got {}", flag, value));
}

double FewShotSettings::value_for(const RunKey& cell, const Method& method, bool published,
                                  const TunedValues& tuned_values) const {
  for (const std::string& value : values)
    if (const auto [name, number] = parse_value(value); name == cell.method) return number;
  if (published && !std::isnan(method.published)) return method.published;
  return tuned_values.find(cell.dataset, cell.shots, method, cell.protocol.normalisation)
      .value_or(method.fallback);
}

std::vector<RunKey> FewShotSettings::cells(const Protocol& run_protocol, bool published) const {
  const TunedValues tuned_values =
      tuned.empty() ? TunedValues::embedded()
                    : parse_flag("--tuned", [&] { return TunedValues::read(tuned); });
  std::vector<RunKey> keys;
  for (const std::string& dataset : datasets)
    for (const int64_t count : shots)
      for (const std::string& name : methods) {
        RunKey key{.dataset = dataset,
                   .shots = count,
                   .method = name,
                   .seed = seed,
                   .protocol = run_protocol,
                   .imitation = imitation};
        key.value = value_for(key, method_named(name).under(run_protocol.normalisation), published,
                              tuned_values);
        keys.push_back(key);
      }
  return keys;
}

std::vector<RunKey> FewShotSettings::cells_to_tune() const {
  std::vector<RunKey> keys;
  for (RunKey& key : cells(protocol.protocol(), protocol.is_published()))
    for (const Normalisation form : {Normalisation::paper, Normalisation::published_code}) {
      if (form != Normalisation::paper && !method_named(key.method).is_bean()) continue;
      key.protocol.normalisation = form;
      keys.push_back(key);
    }
  return keys;
}

}  // namespace hebb::apps
