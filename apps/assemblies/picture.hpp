#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/tensor.hpp"

namespace hebb::apps {

/// A picture in the making: its numbers, and the gnuplot commands that plot them. Saved as
/// STEM.csv, STEM.gp, STEM.svg and STEM.png.
class Picture {
 public:
  /// `columns` name the CSV's columns; sizes in pixels at 96 dpi.
  Picture(std::string stem, const std::string& columns, int width, int height);

  /// A row of the CSV; without cells, an empty line, which ends a curve. Numbers that are not
  /// finite are left empty.
  template <class... Cells>
  void row(const Cells&... cells) {
    [[maybe_unused]] bool first = true;
    ((csv_ += first ? "" : ",", csv_ += cell(cells), first = false), ...);
    csv_ += '\n';
  }
  /// Adds commands; `file` in them is the CSV.
  void commands(const std::string& text) { commands_ += text; }

  const std::string& stem() const { return stem_; }
  std::string script() const;
  /// Writes numbers and script, and plots when gnuplot is there: false when it is not. IoError
  /// when gnuplot fails.
  bool save(const std::filesystem::path& folder) const;

 private:
  static std::string cell(double value);
  static std::string cell(const std::string& text);

  std::string stem_, csv_, commands_;
  int width_, height_;
};

}  // namespace hebb::apps
