#include "layers/models/registry.hpp"

#include <algorithm>
#include <charconv>

#include "core/check.hpp"
#include "layers/models/lenet5.hpp"
#include "layers/models/mlp.hpp"

namespace hebb {
namespace {

using Make = std::unique_ptr<Module> (*)(std::string_view widths, const ModelOptions&);

// "784-500-10"
std::vector<int64_t> parse_widths(std::string_view text) {
  std::vector<int64_t> widths;
  const char* at = text.data();
  const char* end = at + text.size();
  for (;;) {
    const auto [stop, error] = std::from_chars(at, end, widths.emplace_back());
    check(error == std::errc() && (stop == end || *stop == '-'),
          "[mlp] expected widths like 784-500-10, got \"{}\"", text);
    if (stop == end) return widths;
    at = stop + 1;
  }
}

std::unique_ptr<Module> make_mlp(std::string_view text, const ModelOptions& o) {
  std::vector<int64_t> widths = {o.input.numel()};
  widths.insert(widths.end(), o.hidden.begin(), o.hidden.end());
  widths.push_back(o.classes);
  if (!text.empty()) {
    widths = parse_widths(text);
    check(widths.front() == o.input.numel() && widths.back() == o.classes,
          "[mlp] expected widths from {} inputs to {} classes, got {}", o.input.numel(), o.classes,
          text);
  }
  return std::make_unique<Sequential>(mlp(widths, {.activation = o.activation,
                                                   .dropout = o.dropout,
                                                   .init = o.init,
                                                   .generator = o.generator}));
}

std::unique_ptr<Module> make_lenet5(std::string_view text, const ModelOptions& o) {
  check(text.empty(), "[lenet5] expected no widths, got \"{}\"", text);
  return std::make_unique<Sequential>(lenet5({.input = o.input,
                                              .classes = o.classes,
                                              .activation = o.activation,
                                              .dropout = o.dropout,
                                              .init = o.init,
                                              .generator = o.generator}));
}

constexpr std::string_view names[] = {"mlp", "lenet5"};
constexpr Make makers[] = {make_mlp, make_lenet5};

}  // namespace

std::unique_ptr<Module> make_model(std::string_view name, const ModelOptions& options) {
  const size_t colon = name.find(':');
  const auto known = std::ranges::find(names, name.substr(0, colon));
  check(known != std::end(names), "[model] expected one of {}, got \"{}\"", fmt::join(names, ", "),
        name);
  return makers[known - names](colon == name.npos ? "" : name.substr(colon + 1), options);
}

std::span<const std::string_view> model_names() { return names; }

}  // namespace hebb
