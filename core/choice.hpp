#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/api.hpp"
#include "core/error.hpp"

namespace HEBB_API hebb {

/// One of the names that a flag or a setting takes.
template <class T>
struct Choice {
  std::string_view name;
  T value;                         ///< What it stands for: a kind, a factory.
  std::string_view settings = {};  ///< What may follow its colon, for help texts: "order=1|2".
};

/// All names of one sort: the one place from which they are read and written, and from which help
/// texts and errors list them.
template <class T>
class Choices {
 public:
  /// `where` begins the errors: `[where] expected one of relu, tanh, sigmoid, got "elu"`.
  Choices(std::string_view where, std::vector<Choice<T>> choices)
      : where_(where), choices_(std::move(choices)) {}

  /// What a name stands for. ValueError for one that is not known, which lists those that are.
  const T& at(std::string_view name) const { return at(name, where_); }
  const T& at(std::string_view name, const std::string& where) const {
    if (const Choice<T>* choice = find(name)) return choice->value;
    throw ValueError("[" + where + "] expected one of " + joined(", ", false) + ", got \"" +
                     std::string(name) + "\"");
  }
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  /// The name of a value that is one of the choices.
  std::string_view name_of(const T& value) const {
    for (const Choice<T>& choice : choices_)
      if (choice.value == value) return choice.name;
    return {};
  }
  /// "mlp:784-500-10; lenet5", for --help.
  std::string help() const { return joined("; ", true); }

  auto begin() const { return choices_.begin(); }
  auto end() const { return choices_.end(); }

 private:
  const Choice<T>* find(std::string_view name) const {
    for (const Choice<T>& choice : choices_)
      if (choice.name == name) return &choice;
    return nullptr;
  }
  std::string joined(std::string_view separator, bool with_settings) const {
    std::string text;
    for (const Choice<T>& choice : choices_) {
      if (!text.empty()) text += separator;
      text += choice.name;
      if (with_settings && !choice.settings.empty()) text.append(":").append(choice.settings);
    }
    return text;
  }

  std::string where_;
  std::vector<Choice<T>> choices_;
};

}  // namespace hebb
