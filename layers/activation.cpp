#include "layers/activation.hpp"

#include "core/check.hpp"
#include "core/ops/elementwise.hpp"

namespace hebb {

Activation::Kind Activation::parse(std::string_view text) {
  if (text == "relu") return Kind::relu;
  if (text == "tanh") return Kind::tanh;
  if (text == "sigmoid") return Kind::sigmoid;
  fail("[activation] expected relu, tanh or sigmoid, got \"{}\"", text);
}

std::string Activation::description() const {
  switch (kind_) {
    case Kind::relu:
      return "ReLU";
    case Kind::tanh:
      return "Tanh";
    case Kind::sigmoid:
      break;
  }
  return "Sigmoid";
}

Tensor Activation::forward(const Tensor& x, Context&) const {
  switch (kind_) {
    case Kind::relu:
      return relu(x);
    case Kind::tanh:
      return tanh(x);
    case Kind::sigmoid:
      break;
  }
  return sigmoid(x);
}

}  // namespace hebb
