#include "layers/activation.hpp"

#include "core/ops/elementwise.hpp"

namespace hebb {

const Choices<Activation::Kind>& Activation::kinds() {
  static const Choices<Kind> kinds(
      "activation", {{"relu", Kind::relu}, {"tanh", Kind::tanh}, {"sigmoid", Kind::sigmoid}});
  return kinds;
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
