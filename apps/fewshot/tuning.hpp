#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/common/run_folder.hpp"
#include "apps/fewshot/journal.hpp"

namespace hebb::apps {

/// The value of a method's parameter that did best in a cell of the table.
struct TunedValue {
  std::string dataset;
  int64_t shots = 0;
  std::string method;
  Normalisation normalisation = Normalisation::paper;  ///< Matters to BEAN alone.
  double value = 0;
};

/// What --tune has found: a JSON file that also says by which command.
class TunedValues {
 public:
  /// FormatError, which names the file, for anything but such a file.
  static TunedValues parse(const std::string& text, const std::string& name);
  static TunedValues read(const std::string& path);  ///< IoError too.
  static TunedValues embedded();                     ///< apps/fewshot/tuned.json

  /// Nothing for a cell that has not been tuned.
  std::optional<double> find(const std::string& dataset, int64_t shots, const Method& method,
                             Normalisation normalisation) const;

 private:
  std::vector<TunedValue> values_;
};

/// The trials of one cell: every value of the method's grid on `draws` draws of the tuning stage,
/// scored on training images that no draw of a report can have. Empty where nothing is to tune.
std::vector<RunKey> trials(const RunKey& cell, int64_t draws);

/// tuned.json for cells whose trials have all been done: the value of the best mean accuracy, the
/// first of equals, with all trials beside it. A line for each cell.
std::string choose(const std::vector<RunKey>& cells, int64_t draws, const Results& results,
                   const std::string& command);

}  // namespace hebb::apps
