#include "apps/fewshot/table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "apps/fewshot/embedded.hpp"

namespace hebb::apps {
namespace {

using Rows = std::vector<std::vector<std::string>>;

// The distinct values of a member, in the order of their first appearance.
template <class Get>
auto distinct(std::span<const Cell> cells, Get get) {
  std::vector<std::decay_t<decltype(get(cells[0]))>> values;
  for (const Cell& cell : cells)
    if (std::ranges::find(values, get(cell)) == values.end()) values.push_back(get(cell));
  return values;
}

std::string dataset_of(const Cell& cell) { return cell.key.dataset; }
int64_t shots_of(const Cell& cell) { return cell.key.shots; }
std::string method_of(const Cell& cell) { return cell.key.method; }

const Cell* find(std::span<const Cell> cells, const std::string& dataset, int64_t shots,
                 const std::string& method) {
  const auto found = std::ranges::find_if(cells, [&](const Cell& cell) {
    return cell.key.dataset == dataset && cell.key.shots == shots && cell.key.method == method;
  });
  return found == cells.end() ? nullptr : &*found;
}

std::string paper_of(const Cell& cell) {
  return cell.paper ? fmt::format("{:.2f}", *cell.paper) : "-";
}

std::string p_of(double p) { return p < 0.001 ? "< 0.001" : fmt::format("{:.3f}", p); }

// Columns are as wide as their letters, not their bytes.
size_t width_of(const std::string& text) {
  return size_t(std::ranges::count_if(text, [](char c) { return (c & 0xC0) != 0x80; }));
}

Json to_json(const MeanSummary& s) {
  return {{"mean", s.mean},
          {"standard_deviation", s.deviation},
          {"standard_error", s.error},
          {"interval_95", {s.mean - s.margin, s.mean + s.margin}}};
}

}  // namespace

std::vector<double> accuracies(const RunKey& cell, int64_t draws, const Results& results) {
  std::vector<double> percents;
  RunKey key = cell;
  for (key.draw = 0; key.draw < draws; ++key.draw)
    percents.push_back(results.at(key.text()).percent());
  return percents;
}

std::vector<Cell> make_table(std::span<const RunKey> keys, int64_t draws, const Results& results,
                             const std::string& baseline) {
  std::vector<Cell> cells;
  for (const RunKey& key : keys)
    cells.push_back({.key = key,
                     .accuracy = summarize(accuracies(key, draws, results)),
                     .baseline = baseline,
                     .gain = {},
                     .paper = paper_accuracy(key.dataset, key.shots, key.method)});
  std::vector<Cell*> compared;
  std::vector<double> p_values;
  for (Cell& cell : cells) {
    const Cell* other = find(cells, cell.key.dataset, cell.key.shots, baseline);
    if (!other || other == &cell) continue;
    std::vector<double> differences = accuracies(cell.key, draws, results);
    const std::vector<double> before = accuracies(other->key, draws, results);
    for (size_t i = 0; i < differences.size(); ++i) differences[i] -= before[i];
    cell.gain = summarize(differences);
    cell.p = signed_rank_test(differences);
    compared.push_back(&cell);
    p_values.push_back(cell.p);
  }
  const std::vector<double> corrected = holm_correction(p_values);
  for (size_t i = 0; i < compared.size(); ++i) compared[i]->p_holm = corrected[i];
  return cells;
}

std::optional<double> paper_accuracy(const std::string& dataset, int64_t shots,
                                     const std::string& method) {
  const std::string prefix = fmt::format("{},{},{},", dataset, method, shots);
  std::istringstream lines(embedded_paper_csv);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(prefix)) return std::stod(line.substr(prefix.size()));
  return std::nullopt;
}

std::string in_columns(const Rows& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows)
    for (size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], width_of(row[i]));
    }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - width_of(row[i]), ' ');
      line += i == 0 ? row[i] + space : "  " + space + row[i];
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  }
  return text;
}

std::string in_markdown(const Rows& rows) {
  std::string text;
  for (size_t i = 0; i < rows.size(); ++i) {
    text += fmt::format("| {} |\n", fmt::join(rows[i], " | "));
    if (i > 0) continue;
    for (size_t column = 0; column < rows[0].size(); ++column) text += "|---";
    text += "|\n";
  }
  return text;
}

std::string to_terminal(std::span<const Cell> cells) {
  std::string text;
  for (const std::string& dataset : distinct(cells, dataset_of)) {
    const std::vector<int64_t> shots = distinct(cells, shots_of);
    Rows rows{{dataset}};
    for (const int64_t s : shots) {
      rows[0].push_back(fmt::format("{}-shot, % ± 95 %", s));
      rows[0].push_back("paper");
      rows[0].push_back("over " + cells[0].baseline);
      rows[0].push_back("p");
    }
    for (const std::string& method : distinct(cells, method_of)) {
      std::vector<std::string> row{method};
      for (const int64_t s : shots) {
        const Cell* cell = find(cells, dataset, s, method);
        if (!cell) {
          row.insert(row.end(), 4, "");
          continue;
        }
        row.push_back(fmt::format("{:.2f} ± {:.2f}", cell->accuracy.mean, cell->accuracy.margin));
        row.push_back(paper_of(*cell));
        row.push_back(cell->gain
                          ? fmt::format("{:+.2f} ± {:.2f}", cell->gain->mean, cell->gain->margin)
                          : "");
        row.push_back(cell->gain ? p_of(cell->p_holm) : "");
      }
      rows.push_back(row);
    }
    text += (text.empty() ? "" : "\n") + in_columns(rows);
  }
  return text;
}

std::string to_markdown(std::span<const Cell> cells) {
  const std::string gain = cells.empty() ? "gain" : "over " + cells[0].baseline + ", 95 %";
  Rows rows{{"data set", "shots", "method", "tuned", "draws", "accuracy, %", "deviation",
             "95 % interval", gain, "p", "p (Holm)", "paper, %"}};
  for (const Cell& cell : cells) {
    const MeanSummary& a = cell.accuracy;
    const std::string_view parameter = method_named(cell.key.method).parameter;
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
    rows.push_back(row);
  }
  return in_markdown(rows);
}

Json to_json(std::span<const Cell> cells) {
  Json json = Json::array();
  for (const Cell& cell : cells) {
    Json entry{
        {"dataset", cell.key.dataset}, {"shots", cell.key.shots}, {"method", cell.key.method}};
    if (const std::string_view parameter = method_named(cell.key.method).parameter;
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
                          key.method, method_named(key.method).parameter, key.value, key.draw,
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
