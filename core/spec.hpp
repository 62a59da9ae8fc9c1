#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/api.hpp"
#include "core/choice.hpp"
#include "core/number.hpp"

namespace HEBB_API hebb {

/// A choice and its settings as a flag has them: "bean:order=2,alpha=1e5" is the name "bean" and
/// the keys "order" and "alpha".
///
///     Spec spec = Spec::parse("step:every=10,gamma=0.1");
///     const int64_t every = spec.integer("every", 1, {.at_least = 1});
///     const double gamma = spec.number("gamma", 0.1, {.above = 0});
///     spec.done();
///
/// Errors are ValueErrors that begin with the name: `[step: gamma] expected a number
/// above 0, got "-1"`.
class Spec {
 public:
  /// ValueError for an empty name, a setting without "=" or a key given twice.
  static Spec parse(std::string_view text);

  std::string name;

  /// The value of a key, or `fallback` where it is not given. ValueError when it is no finite
  /// number (integer, true or false, one of the choices) or outside `range`.
  double number(const std::string& key, double fallback, const Range& range = {});
  int64_t integer(const std::string& key, int64_t fallback, const Range& range = {});
  bool flag(const std::string& key, bool fallback);
  std::string text(const std::string& key, const std::string& fallback);
  template <class T>
  T choice(const std::string& key, T fallback, const Choices<T>& choices) {
    const std::string* given = find(key);
    return given ? choices.at(*given, name + ": " + key) : fallback;
  }
  /// Whether the text gives this key. Counts as asking for it.
  bool has(const std::string& key);

  /// ValueError when the text has keys that nobody asked for; names those that were.
  void done() const;

 private:
  const std::string* find(const std::string& key);
  template <class T>
  T read(const std::string& key, T fallback, const Range& range);

  std::map<std::string, std::string> values_;
  std::vector<std::string> asked_;  // in the order of asking
};

}  // namespace hebb
