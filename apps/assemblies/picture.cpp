#include "apps/assemblies/picture.hpp"

#include <fmt/format.h>

#include <cmath>

#include "apps/common/gnuplot.hpp"
#include "apps/common/run_folder.hpp"
#include "core/check.hpp"

namespace hebb::apps {

Picture::Picture(std::string stem, const std::string& columns, int width, int height)
    : stem_(std::move(stem)), csv_(columns + '\n'), width_(width), height_(height) {}

std::string Picture::cell(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : "";
}
std::string Picture::cell(const std::string& text) {
  return text.find(',') == text.npos ? text : fmt::format("\"{}\"", text);
}

std::string Picture::script() const {
  return fmt::format(R"(# gnuplot {0}.gp plots {0}.svg and {0}.png from {0}.csv
file = '{0}.csv'
set encoding utf8
{1}do for [type in 'svg png'] {{
reset
set datafile separator ','
set datafile missing ''
set datafile columnheaders
set style fill solid
set tics nomirror out scale 0.5
set border 3
if (type eq 'svg') {{ set terminal svg size {2},{3} font 'sans,12' background 'white' }}
if (type eq 'png') {{ set terminal pngcairo size {4},{5} font 'sans,12' fontscale 2 linewidth 2 pointscale 2 }}
set output '{0}.'.type
{6}unset output
}}
)",
                     stem_, gnuplot_palette, width_, height_, 2 * width_, 2 * height_, commands_);
}

bool Picture::save(const std::filesystem::path& folder) const {
  write_file(folder / (stem_ + ".csv"), csv_);
  write_file(folder / (stem_ + ".gp"), script());
  const Plotted plotted = run_gnuplot(folder, stem_ + ".gp");
  check<IoError>(plotted != Plotted::no, "gnuplot failed; run it on {} to see why",
                 (folder / (stem_ + ".gp")).string());
  return plotted == Plotted::yes;
}

}  // namespace hebb::apps
