#include "layers/models/mlp.hpp"

#include "core/check.hpp"
#include "layers/dropout.hpp"
#include "layers/flatten.hpp"
#include "layers/linear.hpp"

namespace hebb {

Sequential mlp(const std::vector<int64_t>& widths, const MlpOptions& options) {
  check(widths.size() >= 2, "[mlp] expected at least two widths, got {}", widths.size());
  Generator generator = options.generator;
  Sequential net;
  net.add("flatten", Flatten());
  const size_t layers = widths.size() - 1;
  for (size_t i = 1; i <= layers; ++i) {
    net.add(fmt::format("fc{}", i),
            Linear({.in = widths[i - 1], .out = widths[i], .init = options.init}, generator));
    if (i == layers) break;
    net.add(fmt::format("activation{}", i), Activation(options.activation));
    if (options.dropout != 0) net.add(fmt::format("dropout{}", i), Dropout({.p = options.dropout}));
  }
  return net;
}

}  // namespace hebb
