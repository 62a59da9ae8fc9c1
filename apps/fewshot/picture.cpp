#include "apps/fewshot/picture.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/common/gnuplot.hpp"

namespace hebb::apps {
namespace {

// Where a method's column stands: beside those of the other methods with the same shots.
struct Places {
  std::vector<std::string> datasets, methods;
  std::vector<int64_t> shots;

  explicit Places(std::span<const Cell> cells) {
    const auto add = [](auto& values, const auto& value) {
      if (std::ranges::find(values, value) == values.end()) values.push_back(value);
    };
    for (const Cell& cell : cells) {
      add(datasets, cell.key.dataset);
      add(methods, cell.key.method);
      add(shots, cell.key.shots);
    }
  }
  double x(const Cell& cell) const {
    const auto group = double(std::ranges::find(shots, cell.key.shots) - shots.begin());
    const auto index = double(std::ranges::find(methods, cell.key.method) - methods.begin());
    return group + (index - double(methods.size() - 1) / 2) * 0.8 / double(methods.size());
  }
};

}  // namespace

std::string to_gnuplot(std::span<const Cell> cells, const std::string& output) {
  const Places places(cells);
  std::string data, panels;
  std::vector<std::string> ticks;
  for (size_t i = 0; i < places.shots.size(); ++i)
    ticks.push_back(fmt::format("'{}' {}", places.shots[i], i));
  for (const std::string& dataset : places.datasets) {
    std::vector<std::string> curves;
    for (size_t m = 0; m < places.methods.size(); ++m) {
      const std::string block = fmt::format("$data{}", curves.size() + panels.size());
      std::string rows;
      for (const Cell& cell : cells)
        if (cell.key.dataset == dataset && cell.key.method == places.methods[m])
          rows += fmt::format("{:.4f} {:.4f} {:.4f} {}\n", places.x(cell), cell.accuracy.mean,
                              cell.accuracy.margin,
                              cell.paper ? fmt::format("{:.2f}", *cell.paper) : "NaN");
      if (rows.empty()) continue;
      data += fmt::format("{} << end\n{}end\n", block, rows);
      curves.push_back(fmt::format("{0} using 1:2:3 with yerrorbars pt 7 ps 0.5 lc {1} title '{2}'",
                                   block, m + 1, places.methods[m]));
      curves.push_back(
          fmt::format("{0} using 1:4 with points pt 2 ps 0.6 lc {1} notitle", block, m + 1));
    }
    panels += fmt::format("set title '{} (bars: 95 % intervals, crosses: the paper)'\nplot {}\n",
                          dataset, fmt::join(curves, ", \\\n     "));
  }
  return fmt::format(
      "set terminal svg size {},480 font 'sans,12' background 'white'\n"
      "set output {}\n"
      "{}{}"
      "set multiplot layout 1,{}\n"
      "set xtics ({})\n"
      "set xrange [-0.5:{}]\n"
      "set xlabel 'training images of each class'\n"
      "set ylabel 'test accuracy, %'\n"
      "set grid ytics\n"
      "set key bottom right\n"
      "{}"
      "unset multiplot\n",
      600 * places.datasets.size(), quoted(output), gnuplot_palette, data, places.datasets.size(),
      fmt::join(ticks, ", "), double(places.shots.size()) - 0.5, panels);
}

bool draw(std::span<const Cell> cells, const std::filesystem::path& folder) {
  write_file(folder / "table.gp", to_gnuplot(cells, "table.svg"));
  return run_gnuplot(folder, "table.gp") == Drawn::yes;
}

}  // namespace hebb::apps
