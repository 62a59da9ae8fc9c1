#include "apps/fewshot/report/ablation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/statistics.hpp"
#include "apps/fewshot/report/table.hpp"

namespace hebb::apps {
namespace {

// The mean accuracy of a variant's cell, and what it changes of the protocol's own.
std::string entry(const RunKey& cell, const RunKey* base, int64_t draws, const Results& results) {
  std::vector<double> values = accuracies(cell, draws, results);
  const std::string mean = fmt::format("{:.2f}", summarize(values).mean);
  if (!base) return mean;
  const std::vector<double> before = accuracies(*base, draws, results);
  for (size_t i = 0; i < values.size(); ++i) values[i] -= before[i];
  const MeanSummary change = summarize(values);
  return fmt::format("{} ({:+.2f} ± {:.2f})", mean, change.mean, change.margin);
}

}  // namespace

std::vector<Variant> variants(const Protocol& base, int64_t shots) {
  std::vector<Variant> result{{"as it is", base}};
  const auto add = [&](const char* label, auto change) {
    Protocol protocol = base;
    change(protocol);
    result.push_back({label, protocol});
  };
  const int64_t epochs = base.epochs_for(shots);
  add("batch 10", [](Protocol& p) { p.batch_size = 10; });
  add("batch 10, as many steps", [&](Protocol& p) {
    p.batch_size = 10;
    p.epochs = 10 * epochs;
  });
  add("a quarter of the epochs", [&](Protocol& p) { p.epochs = std::max<int64_t>(1, epochs / 4); });
  add("twice the epochs", [&](Protocol& p) { p.epochs = 2 * epochs; });
  add("init truncated-normal", [](Protocol& p) { p.init = "truncated-normal"; });
  add("init xavier", [](Protocol& p) { p.init = "xavier"; });
  add("best checkpoint, disjoint images", [](Protocol& p) {
    p.checkpoint = Checkpoint::best_validation;
    p.validation_set = ValidationSet::disjoint;
  });
  add("best checkpoint, overlapping images", [](Protocol& p) {
    p.checkpoint = Checkpoint::best_validation;
    p.validation_set = ValidationSet::overlapping;
  });
  add("dropout on at test", [](Protocol& p) { p.dropout_at_test = true; });
  add("published code's normalisation",
      [](Protocol& p) { p.normalization = Normalization::published_code; });
  Variant all{"published", published(), true};
  all.protocol.validation_images = base.validation_images;
  all.protocol.validation_every = base.validation_every;
  result.push_back(all);
  return result;
}

std::string ablation_table(const std::vector<Ablation>& ablations, int64_t draws,
                           const Results& results, std::string (*format)(const Rows& rows)) {
  std::string text;
  for (size_t i = 0; i < ablations.size();) {
    const Ablation& base = ablations[i];
    Rows rows{{fmt::format("{} {}-shot, %", base.dataset, base.shots)}};
    for (const RunKey& cell : base.cells) rows[0].push_back(cell.method);
    for (; i < ablations.size() && ablations[i].dataset == base.dataset &&
           ablations[i].shots == base.shots;
         ++i) {
      const bool first = &ablations[i] == &base;
      rows.push_back({ablations[i].label});
      for (size_t m = 0; m < base.cells.size(); ++m)
        rows.back().push_back(
            entry(ablations[i].cells[m], first ? nullptr : &base.cells[m], draws, results));
    }
    if (!text.empty()) text += '\n';
    text += format(rows);
  }
  return text;
}

}  // namespace hebb::apps
