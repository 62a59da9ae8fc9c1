#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "regularizers/bean.hpp"

namespace hebb::apps {

/// The value of a method's parameter that did best in a cell of the table.
struct TunedValue {
  std::string dataset;
  int64_t shots = 0;
  std::string method;
  Normalization normalization = Normalization::paper;  ///< Matters to BEAN alone.
  double value = 0;
};

/// What --tune has found: a JSON file that also says by which command.
class TunedValues {
 public:
  /// FormatError, which names the file, for anything but such a file.
  static TunedValues parse(const std::string& text, const std::string& name);
  static TunedValues read(const std::string& path);  ///< IoError too.
  static TunedValues embedded();                     ///< tuned.json of this folder

  /// Nothing for a cell that has not been tuned.
  std::optional<double> find(const std::string& dataset, int64_t shots, const std::string& method,
                             Normalization normalization) const;

 private:
  std::vector<TunedValue> values_;
};

}  // namespace hebb::apps
