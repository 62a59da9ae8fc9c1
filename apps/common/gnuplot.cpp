#include "apps/common/gnuplot.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>

extern char** environ;

namespace hebb::apps {

const std::string_view gnuplot_palette = R"(set linetype 1 lc rgb '#CC6677' pt 7
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

Plotted run_gnuplot(const std::filesystem::path& folder, const std::string& script) {
  std::string change = "cd " + quoted(folder.string()), file = script, name = "gnuplot", e = "-e";
  char* arguments[] = {name.data(), e.data(), change.data(), file.data(), nullptr};
  posix_spawn_file_actions_t quiet;
  posix_spawn_file_actions_init(&quiet);
  posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null", O_WRONLY, 0);
  pid_t process = 0;
  const bool started =
      posix_spawnp(&process, name.c_str(), &quiet, nullptr, arguments, environ) == 0;
  posix_spawn_file_actions_destroy(&quiet);
  if (!started) return Plotted::no_gnuplot;
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) continue;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? Plotted::yes : Plotted::no;
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("''") : std::string(1, c);
  return result + "'";
}

}  // namespace hebb::apps
