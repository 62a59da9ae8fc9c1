#include "core/spec.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace hebb {

Spec Spec::parse(std::string_view text) {
  Spec spec;
  const size_t colon = text.find(':');
  spec.name = text.substr(0, colon);
  check(!spec.name.empty(), "[spec] expected name or name:key=value,..., got \"{}\"", text);
  if (colon == text.npos) return spec;
  for (std::string_view rest = text.substr(colon + 1);;) {
    const size_t comma = rest.find(',');
    const std::string_view setting = rest.substr(0, comma);
    const size_t equals = setting.find('=');
    check(equals != setting.npos && equals > 0, "[{}] expected key=value, got \"{}\" in \"{}\"",
          spec.name, setting, text);
    const std::string key(setting.substr(0, equals));
    check(spec.values_.emplace(key, setting.substr(equals + 1)).second,
          "[{}] expected {} once, got it twice in \"{}\"", spec.name, key, text);
    if (comma == rest.npos) return spec;
    rest.remove_prefix(comma + 1);
  }
}

const std::string* Spec::find(const std::string& key) {
  if (std::ranges::find(asked_, key) == asked_.end()) asked_.push_back(key);
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

bool Spec::has(const std::string& key) { return find(key) != nullptr; }

template <class T>
T Spec::read(const std::string& key, T fallback, const Range& range) {
  const std::string* given = find(key);
  return given ? parse_number<T>(*given, range, fmt::format("[{}: {}]", name, key)) : fallback;
}

double Spec::number(const std::string& key, double fallback, const Range& range) {
  return read(key, fallback, range);
}

int64_t Spec::integer(const std::string& key, int64_t fallback, const Range& range) {
  return read(key, fallback, range);
}

bool Spec::flag(const std::string& key, bool fallback) {
  static const Choices<bool> choices("flag", {{"true", true}, {"false", false}});
  return choice(key, fallback, choices);
}

std::string Spec::text(const std::string& key, const std::string& fallback) {
  const std::string* given = find(key);
  return given ? *given : fallback;
}

void Spec::done() const {
  for (const auto& [key, value] : values_)
    check(std::ranges::find(asked_, key) != asked_.end(),
          "[{}] expected {}, got unknown key \"{}\"", name,
          asked_.empty() ? "no keys" : fmt::format("keys {}", fmt::join(asked_, ", ")), key);
}

}  // namespace hebb
