#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace hebb::apps {

enum class Plotted { yes, no, no_gnuplot };

/// Runs gnuplot on a script in this folder, which is also where its pictures go. What it says is
/// lost: run it by hand to see why it failed.
Plotted run_gnuplot(const std::filesystem::path& folder, const std::string& script);

/// Text between quotes for gnuplot.
std::string quoted(const std::string& text);

/// Line types 1 to 10: Paul Tol's "muted" colours and black, told apart by the colour-blind too,
/// each with a point of its own. 11 is for what belongs nowhere.
extern const std::string_view gnuplot_palette;

}  // namespace hebb::apps
