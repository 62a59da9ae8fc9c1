#include "apps/fewshot/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "apps/common/app.hpp"
#include "apps/fewshot/study/method.hpp"
#include "core/parallel.hpp"

namespace hebb::apps {
namespace {

bool given(const CLI::App& app, const char* flag) { return app.count(flag) > 0; }

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

void require(const char* flag, double value, const Range& range) {
  if (!range.contains(value))
    throw UsageError(fmt::format("{}: expected {}, got {}", flag, range.to_string(), value));
}

}  // namespace

void FewShotSettings::check_and_complete(const CLI::App& app) {
  complete(app);
  check_methods(app);
  check_values();
  for (const int64_t count : shots) require("--shots", double(count), {.at_least = 1});
  require("--draws", double(draws), {.at_least = 1});
  require("--tuning-draws", double(tuning_draws), {.at_least = 1});
  check_imitation();
  protocol.protocol();
  if (given(app, "--threads")) parse_flag("--threads", [&] { set_num_threads(threads); });
}

void FewShotSettings::complete(const CLI::App& app) {
  if (table1)
    for (const char* flag : {"--dataset", "--shots", "--methods"})
      if (given(app, flag))
        throw UsageError(fmt::format("{} and --table1 exclude each other", flag));
  if (table1) datasets = {"mnist", "fashion-mnist"};
  if (ablate && !given(app, "--shots")) shots = {1, 10};
  if (!methods.empty()) return;
  for (const auto& [name, method, settings] : known_methods())
    if ((method.in_paper || table1) && (method.follows_protocol || !ablate) &&
        (method.on_any_device || training_device().is_cpu()))
      methods.emplace_back(name);
}

void FewShotSettings::check_methods(const CLI::App& app) const {
  for (const std::string& method : methods) {
    const Method& known =
        parse_flag("--methods", [&]() -> const Method& { return known_methods().at(method); });
    if (!known.on_any_device && !training_device().is_cpu())
      throw UsageError(fmt::format("--device: {} runs on the CPU alone", method));
  }
  if (!given(app, "--against")) return;
  if (ablate || tune) throw UsageError("--against has no meaning with --ablate-protocol or --tune");
  if (std::ranges::find(methods, against) == methods.end())
    throw UsageError(fmt::format("--against: expected one of the methods {}, got \"{}\"",
                                 fmt::join(methods, ", "), against));
}

void FewShotSettings::check_values() const {
  for (const std::string& value : values) {
    const std::pair given = parse_value(value);
    const std::string& name = given.first;
    const double number = given.second;
    const Method& method =
        parse_flag("--value", [&]() -> const Method& { return known_methods().at(name); });
    if (method.parameter.empty())
      throw UsageError(fmt::format("--value: {} has no parameter", name));
    if (!method.range.contains(number))
      throw UsageError(
          fmt::format("--value: expected {} {}, got {}", name, method.range.to_string(), number));
  }
}

void FewShotSettings::check_imitation() const {
  const ImitationOptions& o = imitation;
  for (const auto& [flag, value] : {std::pair("--gp-starts", o.gp_starts),
                                    {"--gp-rows", o.gp_rows},
                                    {"--pseudo-examples", o.pseudo_examples},
                                    {"--imitation-steps", o.steps},
                                    {"--imitation-epochs", o.epochs},
                                    {"--imitation-batch", o.batch_size},
                                    {"--labelled-batch", o.labelled_batch}})
    require(flag, double(value), {.at_least = 1});
  require("--gp-evaluations", double(o.gp_evaluations), {.at_least = 0});
  require("--ascent-steps", double(o.ascent_steps), {.at_least = 0});
  require("--hard-weight", o.hard_weight, {.at_least = 0});
  require("--ascent-lr", o.ascent_lr, {.at_least = 0});
  require("--fidelity-high", o.fidelity_high, {.above = 0});
  require("--fidelity-mean", o.fidelity_mean, {.above = 0});
}

double FewShotSettings::value_for(const RunKey& cell, bool published,
                                  const TunedValues& tuned_values) const {
  for (const std::string& value : values)
    if (const auto [name, number] = parse_value(value); name == cell.method) return number;
  const Method& method = known_methods().at(cell.method);
  if (published && !std::isnan(method.published)) return method.published;
  const Normalization normalization = cell.protocol.normalization;
  return tuned_values.find(cell.dataset, cell.shots, cell.method, normalization)
      .value_or(method.tuning_under(normalization).fallback);
}

Device FewShotSettings::training_device() const { return parse_device(device); }

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
                   .device = training_device(),
                   .protocol = run_protocol,
                   .imitation = imitation};
        key.value = value_for(key, published, tuned_values);
        keys.push_back(key);
      }
  return keys;
}

std::vector<RunKey> FewShotSettings::cells_to_tune() const {
  std::vector<RunKey> keys;
  for (RunKey& key : cells(protocol.protocol(), protocol.is_published()))
    for (const Normalization form : {Normalization::paper, Normalization::published_code}) {
      if (form != Normalization::paper && !known_methods().at(key.method).has_normalization())
        continue;
      key.protocol.normalization = form;
      keys.push_back(key);
    }
  return keys;
}

std::vector<Ablation> FewShotSettings::ablations() const {
  std::vector<Ablation> result;
  for (const std::string& dataset : datasets)
    for (const int64_t count : shots) {
      FewShotSettings one = *this;
      one.datasets = {dataset};
      one.shots = {count};
      for (const Variant& variant : variants(protocol.protocol(), count)) {
        const bool published = variant.published || protocol.is_published();
        result.push_back({dataset, count, variant.label, one.cells(variant.protocol, published)});
      }
    }
  return result;
}

}  // namespace hebb::apps
