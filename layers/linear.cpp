#include "layers/linear.hpp"

#include "core/check.hpp"
#include "core/ops/matmul.hpp"

namespace hebb {
namespace {

bool share_storage(const Tensor& a, const Tensor& b) {
  return a.defined() && b.defined() && a.body()->storage.get() == b.body()->storage.get();
}

}  // namespace

Linear::Linear(const Options& options, Generator& generator) {
  check(options.in >= 1 && options.out >= 1, "[Linear] expected extents of at least 1, got {}, {}",
        options.in, options.out);
  weight_ = add_parameter("weight", Tensor::empty({options.out, options.in}));
  if (options.bias) bias_ = add_parameter("bias", Tensor::empty({options.out}));
  options.init(weight_, bias_, generator);
}

std::string Linear::description() const {
  return fmt::format("Linear({}, {}{})", weight_.size(-1), weight_.size(-2),
                     bias_.defined() ? "" : ", no bias");
}

Tensor Linear::forward(const Tensor& x, Context& context) const { return forward(x, context, {}); }

Tensor Linear::forward(const Tensor& x, Context& context, const LinearOptions& tail) const {
  const Tensor input = context.edit_dense_input ? context.edit_dense_input(path(), x) : x;
  Tensor y = linear(input, weight_, bias_, tail);
  if (context.taps) {
    const bool raw = share_storage(x, context.model_input);
    context.taps->push_back({&path(), input, weight_, bias_, y, raw, replicas(), tail.relu});
  }
  return y;
}

int64_t Linear::multiply_adds(const Shape&, const Shape& output) const {
  return output.numel() * weight_.size(-1);
}

}  // namespace hebb
