#include "apps/fewshot/report/formats.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "apps/fewshot/report/rows.hpp"
#include "apps/fewshot/study/draw.hpp"
#include "apps/fewshot/study/method.hpp"

namespace hebb::apps {
namespace {

std::string paper_of(const Cell& cell) {
  return cell.paper ? fmt::format("{:.2f}", *cell.paper) : "-";
}

std::string p_of(double p) { return p < 0.001 ? "< 0.001" : fmt::format("{:.3f}", p); }

// What stands in the terminal for one cell, or nothing for a cell that is not there.
std::vector<std::string> entries(const Cell* cell, bool with_p) {
  if (!cell) return std::vector<std::string>(with_p ? 4 : 3);
  const MeanSummary& a = cell->accuracy;
  const auto& gain = cell->gain;
  std::vector<std::string> row{
      fmt::format("{:.2f} ± {:.2f}", a.mean, a.margin), paper_of(*cell),
      gain ? fmt::format("{:+.2f} ± {:.2f}", gain->mean, gain->margin) : ""};
  if (with_p) row.push_back(gain ? p_of(cell->p_holm) : "");
  return row;
}

Rows terminal_rows(std::span<const Cell> cells, const Layout& layout, const std::string& dataset,
                   bool with_p) {
  Rows rows{{dataset}};
  for (const int64_t shots : layout.shots) {
    rows[0].push_back(fmt::format("{}-shot, % ± 95 %", shots));
    rows[0].push_back("paper");
    rows[0].push_back("over " + cells[0].baseline);
    if (with_p) rows[0].push_back("p");
  }
  for (const std::string& method : layout.methods) {
    std::vector<std::string> row{method};
    for (const int64_t shots : layout.shots)
      for (std::string& entry : entries(find(cells, dataset, shots, method), with_p))
        row.push_back(std::move(entry));
    rows.push_back(row);
  }
  return rows;
}

std::vector<std::string> markdown_row(const Cell& cell) {
  const MeanSummary& a = cell.accuracy;
  const std::string_view parameter = known_methods().at(cell.key.method).parameter;
  std::vector<std::string> row{
      cell.key.dataset,
      std::to_string(cell.key.shots),
      cell.key.method,
      parameter.empty() ? "" : fmt::format("{} {:g}", parameter, cell.key.value),
      std::to_string(a.count),
      fmt::format("{:.2f}", a.mean),
      fmt::format("{:.2f}", a.deviation),
      fmt::format("{:.2f} to {:.2f}", a.mean - a.margin, a.mean + a.margin)};
  if (cell.gain) {
    row.push_back(fmt::format("{:+.2f} ({:+.2f} to {:+.2f})", cell.gain->mean,
                              cell.gain->mean - cell.gain->margin,
                              cell.gain->mean + cell.gain->margin));
    row.push_back(p_of(cell.p));
    row.push_back(p_of(cell.p_holm));
  } else {
    row.insert(row.end(), 3, "");
  }
  row.push_back(paper_of(cell));
  return row;
}

Json to_json(const MeanSummary& s) {
  return {{"mean", s.mean},
          {"standard_deviation", s.deviation},
          {"standard_error", s.error},
          {"interval_95", {s.mean - s.margin, s.mean + s.margin}}};
}

}  // namespace

std::string to_terminal(std::span<const Cell> cells) {
  const Layout layout(cells);
  const int64_t comparisons =
      std::ranges::count_if(cells, [](const Cell& c) { return c.gain.has_value(); });
  const int64_t least = draws_for_p(comparisons);
  const bool with_p = comparisons > 0 && cells[0].accuracy.count >= least;
  std::string text;
  for (const std::string& dataset : layout.datasets) {
    if (!text.empty()) text += '\n';
    text += in_columns(terminal_rows(cells, layout, dataset, with_p));
  }
  if (comparisons > 0 && !with_p) text += fmt::format("p: needs at least {} draws\n", least);
  return text;
}

std::string to_markdown(std::span<const Cell> cells) {
  const std::string gain = cells.empty() ? "gain" : "over " + cells[0].baseline + ", 95 %";
  Rows rows{{"data set", "shots", "method", "tuned", "draws", "accuracy, %", "deviation",
             "95 % interval", gain, "p", "p (Holm)", "paper, %"}};
  for (const Cell& cell : cells) rows.push_back(markdown_row(cell));
  return in_markdown(rows);
}

Json to_json(std::span<const Cell> cells) {
  Json json = Json::array();
  for (const Cell& cell : cells) {
    Json entry{
        {"dataset", cell.key.dataset}, {"shots", cell.key.shots}, {"method", cell.key.method}};
    if (const std::string_view parameter = known_methods().at(cell.key.method).parameter;
        !parameter.empty())
      entry[std::string(parameter)] = cell.key.value;
    entry["draws"] = cell.accuracy.count;
    entry["accuracy_percent"] = to_json(cell.accuracy);
    if (cell.gain) {
      entry["gain_over_" + cell.baseline] = to_json(*cell.gain);
      entry["p"] = cell.p;
      entry["p_holm"] = cell.p_holm;
    }
    if (cell.paper) entry["paper_percent"] = *cell.paper;
    json.push_back(entry);
  }
  return json;
}

std::string to_csv(std::span<const RunKey> keys, int64_t draws, const Results& results) {
  std::string text =
      "dataset,shots,method,parameter,value,draw,seed,accuracy_percent,correct,total,epoch,"
      "validation_correct,validation_total\n";
  for (RunKey key : keys)
    for (key.draw = 0; key.draw < draws; ++key.draw) {
      const RunResult& r = results.at(key.text());
      text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{}\n", key.dataset, key.shots,
                          key.method, known_methods().at(key.method).parameter, key.value, key.draw,
                          key.seed, r.percent(), r.correct, r.total, r.epoch, r.validation_correct,
                          r.validation_total);
    }
  return text;
}

std::string images_csv(std::span<const RunKey> keys, int64_t draws, const DataSets& data) {
  std::string text = "dataset,shots,draw,seed,images\n";
  std::set<std::pair<std::string, int64_t>> seen;
  for (RunKey key : keys) {
    if (!seen.emplace(key.dataset, key.shots).second) continue;  // all methods have the same
    for (key.draw = 0; key.draw < draws; ++key.draw)
      text += fmt::format("{},{},{},{},{}\n", key.dataset, key.shots, key.draw, key.seed,
                          fmt::join(Draw(data.at(key.dataset)->train, key).train, " "));
  }
  return text;
}

}  // namespace hebb::apps
