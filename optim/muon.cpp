#include "optim/muon.hpp"

#include <algorithm>
#include <cmath>

#include "core/autograd.hpp"
#include "core/check.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/matmul.hpp"
#include "core/ops/optimize.hpp"
#include "core/ops/reduce.hpp"

namespace hebb {

Tensor orthogonalize(const Tensor& x, int steps) {
  check<ShapeError>(x.rank() == 2, "[orthogonalize] expected a matrix, got {}", x);
  check(steps >= 1, "[orthogonalize] expected at least 1 step, got {}", steps);
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;  // of Jordan's search
  const NoGrad no_grad;
  // All of it happens to the smaller of X Xᵀ and Xᵀ X, because polynomials of one matrix commute: a
  // step multiplies what X is multiplied by, scale I + factor, by a I + q, and X Xᵀ by its square.
  const bool tall = x.size(0) > x.size(1);
  const Tensor start = x / (sqrt(sum_square(x)) + 1e-7);
  Tensor gram = matmul(start, start, {.transpose_a = tall, .transpose_b = !tall});
  Tensor factor;
  double scale = 1;
  for (int i = 0; i < steps; ++i) {
    const Tensor q = b * gram + c * matmul(gram, gram);
    factor = i == 0 ? q : a * factor + scale * q + matmul(q, factor);
    scale *= a;
    if (i + 1 == steps) break;
    const Tensor half = a * gram + matmul(q, gram);
    gram = a * half + matmul(half, q);
  }
  return scale * start + (tall ? matmul(start, factor) : matmul(factor, start));
}

Muon::Muon(std::vector<NamedTensor> parameters, const MuonOptions& options,
           const std::vector<ParameterGroup>& groups)
    : Optimizer(std::move(parameters), options.lr, groups, {"momentum_buffer"}),
      options_(options),
      directions_(slots_),
      moves_(slots_),
      is_hidden_(slots_.size()) {
  check(options.momentum >= 0 && options.momentum < 1, "[muon] expected momentum in [0, 1), got {}",
        options.momentum);
  check(options.weight_decay >= 0, "[muon] expected weight decay of at least 0, got {}",
        options.weight_decay);
  check(options.newton_schulz_steps >= 1, "[muon] expected at least 1 Newton-Schulz step, got {}",
        options.newton_schulz_steps);
  check(options.sgd_lr_scale >= 0, "[muon] expected a scale of at least 0 for SGD, got {}",
        options.sgd_lr_scale);
  check(slots_.size() == this->parameters().size(),
        "[muon] expected groups of whole parameters, got one of a replica");
  size_t last = slots_.size();
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Tensor& parameter = slots_[i].parameter;
    directions_[i].parameter = Tensor::zeros(parameter.shape(), parameter.options());
    directions_[i].lr_scale = 1;
    moves_[i].steps = Tensor::zeros({}, {DType::int64, parameter.device()});
    is_hidden_[i] = parameter.rank() >= 2;
    if (is_hidden_[i]) last = i;
  }
  if (last < slots_.size()) is_hidden_[last] = false;
  const Device device = slots_.empty() ? Device() : slots_[0].parameter.device();
  direction_rate_ = Tensor::scalar(-1, {DType::float64, device});
  for (size_t i = 0; i < slots_.size(); ++i)
    if (!is_hidden_[i]) moves_[i].lr_scale *= options.sgd_lr_scale;
}

void Muon::update(const StepScalars& scalars) {
  // A step of SGD from zero, at a rate of -1, gives the directions.
  for (size_t i = 0; i < slots_.size(); ++i) {
    directions_[i].grad = slots_[i].grad;
    if (slots_[i].grad.defined()) directions_[i].parameter.fill(0);
  }
  sgd_step(directions_,
           {.lr = direction_rate_, .grad_scale = scalars.grad_scale, .steps = scalars.steps},
           {.momentum = options_.momentum, .nesterov = options_.nesterov && options_.momentum > 0});
  for (size_t i = 0; i < slots_.size(); ++i) {
    Tensor& direction = moves_[i].grad;
    direction = slots_[i].grad.defined() ? directions_[i].parameter : Tensor();
    if (!direction.defined() || !is_hidden_[i]) continue;
    const int64_t rows = direction.size(0),
                  columns = direction.numel() / std::max<int64_t>(rows, 1);
    direction = (orthogonalize(direction.reshape({rows, columns}), options_.newton_schulz_steps) *
                 std::sqrt(std::max(1.0, double(rows) / double(columns))))
                    .reshape(direction.shape());
  }
  sgd_step(moves_, {.lr = scalars.lr}, {.weight_decay = options_.weight_decay});
  for (size_t i = 0; i < slots_.size(); ++i) directions_[i].grad = moves_[i].grad = {};
}

}  // namespace hebb
