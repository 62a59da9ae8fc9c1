#include "core/spec.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/check.hpp"

namespace hebb {
namespace {

template <class T>
bool read_number(const std::string& text, T& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

}  // namespace

bool Range::contains(double value) const {
  return value >= at_least && value > above && value <= at_most && value < below;
}

std::string Range::to_string() const {
  std::string text;
  const auto append = [&text](const char* words, double bound) {
    if (std::isinf(bound)) return;
    text += fmt::format("{}{} {}", text.empty() ? "" : " and ", words, bound);
  };
  append("at least", at_least);
  append("above", above);
  append("at most", at_most);
  append("below", below);
  return text.empty() ? "any number" : text;
}

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

double Spec::number(const std::string& key, double fallback, Range range) {
  const std::string* given = find(key);
  if (!given) return fallback;
  double value = 0;
  check(read_number(*given, value) && std::isfinite(value),
        "[{}] expected a number for {}, got \"{}\"", name, key, *given);
  check(range.contains(value), "[{}] expected {} {}, got {}", name, key, range, *given);
  return value;
}

int64_t Spec::integer(const std::string& key, int64_t fallback, Range range) {
  const std::string* given = find(key);
  if (!given) return fallback;
  int64_t value = 0;
  check(read_number(*given, value), "[{}] expected an integer for {}, got \"{}\"", name, key,
        *given);
  check(range.contains(double(value)), "[{}] expected {} {}, got {}", name, key, range, *given);
  return value;
}

bool Spec::flag(const std::string& key, bool fallback) {
  static const Choices<bool> choices("flag", {{"true", true}, {"false", false}});
  return choice(key, fallback, choices);
}

std::string Spec::text(const std::string& key, std::string fallback) {
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
