#include "apps/fewshot/settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <utility>

#include "apps/common/app.hpp"
#include "apps/fewshot/study/method.hpp"
#include "core/parallel.hpp"

namespace hebb::apps {
namespace {

bool given(const CLI::App& app, const char* flag) { return app.count(flag) > 0; }

// "bean-1=100" as a method and its parameter's text.
std::pair<std::string, std::string> split_value(const std::string& text) {
  const size_t equals = text.find('=');
  if (equals == text.npos)
    throw UsageError(fmt::format("--value: expected METHOD=NUMBER, got \"{}\"", text));
  return {text.substr(0, equals), text.substr(equals + 1)};
}

double parse_value(const std::string& name, const std::string& text, const Method& method) {
  try {
    return parse_number<double>(text, method.range, fmt::format("--value: {}:", name));
  } catch (const ValueError& error) {
    throw UsageError(error.what());
  }
}

}  // namespace

void FewShotSettings::check_and_complete(const CLI::App& app) {
  complete(app);
  check_methods(app);
  check_values();
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
    const std::pair given = split_value(value);
    const std::string& name = given.first;
    const Method& method =
        parse_flag("--value", [&]() -> const Method& { return known_methods().at(name); });
    if (method.parameter.empty())
      throw UsageError(fmt::format("--value: {} has no parameter", name));
    parse_value(name, given.second, method);
  }
}

double FewShotSettings::value_for(const RunKey& cell, bool published,
                                  const TunedValues& tuned_values) const {
  const Method& method = known_methods().at(cell.method);
  for (const std::string& value : values)
    if (const auto [name, text] = split_value(value); name == cell.method)
      return parse_value(name, text, method);
  if (published && !std::isnan(method.published)) return method.published;
  const Normalization normalization = cell.protocol.normalization;
  return tuned_values.find(cell.dataset, cell.shots, cell.method, normalization)
      .value_or(method.tuning_under(normalization).fallback);
}

Device FewShotSettings::training_device() const { return parse_device(device); }

int64_t FewShotSettings::runs_at_once(int processes) const {
  if (replicas > 0) return replicas;
  if (training_device().is_cpu() || processes > 1) return 1;
  return tune ? tuning_draws * std::ssize(Tuning().grid) : draws;
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
