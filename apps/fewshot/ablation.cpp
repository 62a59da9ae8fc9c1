#include "apps/fewshot/ablation.hpp"

#include <fmt/format.h>

#include "analysis/statistics.hpp"
#include "apps/fewshot/table.hpp"

namespace hebb::apps {

std::vector<Ablation> make_ablations(const FewShotSettings& settings) {
  std::vector<Ablation> result;
  for (const std::string& dataset : settings.datasets)
    for (const int64_t shots : settings.shots) {
      FewShotSettings one = settings;
      one.datasets = {dataset};
      one.shots = {shots};
      for (const Variant& variant : ablations(settings.protocol.protocol(), shots)) {
        const bool published = variant.published || settings.protocol.is_published();
        result.push_back({dataset, shots, variant.label, one.cells(variant.protocol, published)});
      }
    }
  return result;
}

std::string ablation_table(
    const std::vector<Ablation>& ablations, int64_t draws, const Results& results,
    std::string (*format)(const std::vector<std::vector<std::string>>& rows)) {
  std::string text;
  for (size_t i = 0; i < ablations.size();) {
    const Ablation& base = ablations[i];
    std::vector<std::vector<std::string>> rows{
        {fmt::format("{} {}-shot, %", base.dataset, base.shots)}};
    for (const RunKey& cell : base.cells) rows[0].push_back(cell.method);
    for (; i < ablations.size() && ablations[i].dataset == base.dataset &&
           ablations[i].shots == base.shots;
         ++i) {
      rows.push_back({ablations[i].label});
      for (size_t m = 0; m < base.cells.size(); ++m) {
        std::vector<double> values = accuracies(ablations[i].cells[m], draws, results);
        std::string entry = fmt::format("{:.2f}", summarize(values).mean);
        if (&ablations[i] != &base) {
          const std::vector<double> before = accuracies(base.cells[m], draws, results);
          for (size_t k = 0; k < values.size(); ++k) values[k] -= before[k];
          const MeanSummary change = summarize(values);
          entry += fmt::format(" ({:+.2f} ± {:.2f})", change.mean, change.margin);
        }
        rows.back().push_back(entry);
      }
    }
    text += (text.empty() ? "" : "\n") + format(rows);
  }
  return text;
}

}  // namespace hebb::apps
