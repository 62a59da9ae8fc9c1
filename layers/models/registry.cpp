#include "layers/models/registry.hpp"

#include <charconv>

#include "core/check.hpp"
#include "layers/models/lenet5.hpp"
#include "layers/models/mlp.hpp"
#include "layers/models/resnet.hpp"

namespace hebb {
namespace {

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

std::unique_ptr<Module> make_resnet18(std::string_view text, const ModelOptions& o) {
  check(text.empty(), "[resnet18] expected no widths, got \"{}\"", text);
  check(o.activation == Activation::Kind::relu && o.dropout == 0,
        "[resnet18] expected ReLU and no dropout, got {} and {}",
        Activation::kinds().name_of(o.activation), o.dropout);
  return std::make_unique<ResNet>(
      resnet18({.input = o.input, .classes = o.classes, .init = o.init, .generator = o.generator}));
}

}  // namespace

const Choices<MakeModel>& known_models() {
  static const Choices<MakeModel> models(
      "model",
      {{"mlp", make_mlp, "784-500-10"}, {"lenet5", make_lenet5}, {"resnet18", make_resnet18}});
  return models;
}

std::unique_ptr<Module> make_model(std::string_view name, const ModelOptions& options) {
  const size_t colon = name.find(':');
  return known_models().at(name.substr(0, colon))(colon == name.npos ? "" : name.substr(colon + 1),
                                                  options);
}

}  // namespace hebb
