#include "apps/fewshot/report/plot.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/common/gnuplot.hpp"
#include "apps/common/run_folder.hpp"

namespace hebb::apps {
namespace {

// Where a method's column stands: beside those of the other methods with the same shots.
double x_of(const Cell& cell, const Layout& layout) {
  const auto group = double(std::ranges::find(layout.shots, cell.key.shots) - layout.shots.begin());
  const auto index =
      double(std::ranges::find(layout.methods, cell.key.method) - layout.methods.begin());
  const auto methods = double(layout.methods.size());
  return group + (index - (methods - 1) / 2) * 0.8 / methods;
}

// gnuplot's lines for the data blocks, and the plots of them.
struct Panels {
  std::string data, plots;
};

// A method's rows: place, mean, margin, the paper's value.
std::string rows_of(std::span<const Cell> cells, const Layout& layout, const std::string& dataset,
                    const std::string& method) {
  std::string rows;
  for (const Cell& cell : cells)
    if (cell.key.dataset == dataset && cell.key.method == method)
      rows += fmt::format("{:.4f} {:.4f} {:.4f} {}\n", x_of(cell, layout), cell.accuracy.mean,
                          cell.accuracy.margin,
                          cell.paper ? fmt::format("{:.2f}", *cell.paper) : "NaN");
  return rows;
}

Panels make_panels(std::span<const Cell> cells, const Layout& layout) {
  Panels panels;
  for (const std::string& dataset : layout.datasets) {
    std::vector<std::string> curves;
    for (size_t m = 0; m < layout.methods.size(); ++m) {
      const std::string rows = rows_of(cells, layout, dataset, layout.methods[m]);
      if (rows.empty()) continue;
      const std::string block = fmt::format("$data{}", curves.size() + panels.plots.size());
      panels.data += fmt::format("{} << end\n{}end\n", block, rows);
      curves.push_back(fmt::format("{0} using 1:2:3 with yerrorbars pt 7 ps 0.5 lc {1} title '{2}'",
                                   block, m + 1, layout.methods[m]));
      curves.push_back(
          fmt::format("{0} using 1:4 with points pt 2 ps 0.6 lc {1} notitle", block, m + 1));
    }
    panels.plots +=
        fmt::format("set title '{} (bars: 95 % intervals, crosses: the paper)'\nplot {}\n", dataset,
                    fmt::join(curves, ", \\\n     "));
  }
  return panels;
}

}  // namespace

std::string to_gnuplot(std::span<const Cell> cells, const std::string& output) {
  const Layout layout(cells);
  const Panels panels = make_panels(cells, layout);
  std::vector<std::string> ticks;
  for (size_t i = 0; i < layout.shots.size(); ++i)
    ticks.push_back(fmt::format("'{}' {}", layout.shots[i], i));
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
      600 * layout.datasets.size(), quoted(output), gnuplot_palette, panels.data,
      layout.datasets.size(), fmt::join(ticks, ", "), double(layout.shots.size()) - 0.5,
      panels.plots);
}

bool plot(std::span<const Cell> cells, const std::filesystem::path& folder) {
  write_file(folder / "table.gp", to_gnuplot(cells, "table.svg"));
  return run_gnuplot(folder, "table.gp") == Plotted::yes;
}

}  // namespace hebb::apps
