#include "apps/assemblies/gnuplot.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cmath>

#include "apps/common/run_folder.hpp"
#include "core/check.hpp"

extern char** environ;

namespace hebb::apps {
namespace {

// Line types 1 to 10: Paul Tol's "muted" colours and black, told apart by the colour-blind too,
// each with a point of its own. 11 is for what belongs nowhere.
constexpr std::string_view palette = R"(set linetype 1 lc rgb '#CC6677' pt 7
set linetype 2 lc rgb '#332288' pt 5
set linetype 3 lc rgb '#DDAA33' pt 9
set linetype 4 lc rgb '#117733' pt 11
set linetype 5 lc rgb '#66BBEE' pt 13
set linetype 6 lc rgb '#882255' pt 15
set linetype 7 lc rgb '#44AA99' pt 6
set linetype 8 lc rgb '#999933' pt 4
set linetype 9 lc rgb '#AA4499' pt 8
set linetype 10 lc rgb '#000000' pt 12
set linetype 11 lc rgb '#BBBBBB' pt 1
set linetype cycle 11
)";

enum class Drawn { yes, no, no_gnuplot };

Drawn run_gnuplot(const std::filesystem::path& folder, const std::string& script) {
  std::string change = "cd " + quoted(folder.string()), file = script, name = "gnuplot", e = "-e";
  char* arguments[] = {name.data(), e.data(), change.data(), file.data(), nullptr};
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
  pid_t process = 0;
  const bool started =
      posix_spawnp(&process, name.c_str(), &quiet, nullptr, arguments, environ) == 0;
  posix_spawn_file_actions_destroy(&quiet);
  if (!started) return Drawn::no_gnuplot;
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? Drawn::yes : Drawn::no;
}

}  // namespace

Picture::Picture(std::string stem, const std::string& columns, int width, int height)
    : stem_(std::move(stem)), csv_(columns + '\n'), width_(width), height_(height) {}

std::string Picture::cell(double value) {
  return std::isfinite(value) ? fmt::format("{:.6g}", value) : "";
}
std::string Picture::cell(const std::string& text) {
  return text.find(',') == text.npos ? text : fmt::format("\"{}\"", text);
}

std::string Picture::script() const {
  return fmt::format(R"(# gnuplot {0}.gp draws {0}.svg and {0}.png from {0}.csv
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
                     stem_, palette, width_, height_, 2 * width_, 2 * height_, commands_);
}

bool Picture::save(const std::filesystem::path& folder) const {
  write_file(folder / (stem_ + ".csv"), csv_);
  write_file(folder / (stem_ + ".gp"), script());
  const Drawn drawn = run_gnuplot(folder, stem_ + ".gp");
  check<IoError>(drawn != Drawn::no, "gnuplot failed; run it on {} to see why",
                 (folder / (stem_ + ".gp")).string());
  return drawn == Drawn::yes;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

}  // namespace hebb::apps
