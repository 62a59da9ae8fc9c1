#include "layers/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/autograd.hpp"

namespace hebb {
namespace {

using Line = std::array<std::string, 5>;

std::string with_commas(int64_t value) {
  std::string text = std::to_string(value);
  for (int64_t at = std::ssize(text) - 3; at > 0; at -= 3) text.insert(size_t(at), 1, ',');
  return text;
}

}  // namespace

Summary summary(const Module& model, const Shape& input) {
  Summary summary;
  summary.parameters = model.parameter_count();
  Context context;
  context.observe = [&](const Module& module, const Tensor& x, const Tensor& y) {
    const int64_t multiply_adds = module.multiply_adds(x.shape(), y.shape());
    summary.multiply_adds += multiply_adds;
    if (!module.children().empty()) return;
    summary.rows.push_back({module.path(), module.description(), y.shape().without(0),
                            module.parameter_count(), multiply_adds});
  };
  const std::vector<NamedTensor> parameters = model.parameters();
  const TensorOptions options =
      parameters.empty() ? TensorOptions() : parameters.front().tensor.options();
  const NoGrad no_grad;
  model(Tensor::zeros(input.inserted(0, 1), options), context);
  return summary;
}

std::string Summary::to_string() const {
  std::vector<Line> lines = {{"layer", "kind", "output", "parameters", "multiply-adds"}};
  for (const Row& row : rows)
    lines.push_back({row.path, row.description, row.output.to_string(), with_commas(row.parameters),
                     with_commas(row.multiply_adds)});
  lines.push_back({"total", "", "", with_commas(parameters), with_commas(multiply_adds)});

  std::array<size_t, 5> widths{};
  for (const Line& line : lines)
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string text;
  for (const Line& line : lines)
    text += fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>{}}  {:>{}}\n", line[0], widths[0], line[1],
                        widths[1], line[2], widths[2], line[3], widths[3], line[4], widths[4]);
  return text;
}

}  // namespace hebb
