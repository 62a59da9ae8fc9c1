#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/api.hpp"
#include "core/random.hpp"
#include "core/row_share.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

class Module;

/// How a regularizer or an analysis sees a dense layer: handles, no copies. `name` lives as long
/// as the layer.
struct DenseTap {
  const std::string* name = nullptr;  ///< Path of the layer in its model, e.g. "fc1".
  Tensor input;                       ///< [S, N], the activations that enter.
  Tensor weight;                      ///< [M, N].
  Tensor bias;                        ///< [M], or undefined.
  Tensor output;                      ///< [S, M], before the activation function, unless `relu`.
  bool raw_input = false;             ///< The input is the model's own input (pixels), no neurons.
  int64_t replicas = 0;               ///< R; more than 0: all of these have R in front.
  bool relu = false;                  ///< The output is after a ReLU, computed with the layer.
};

/// What a forward pass is told beside its input. There is no hidden train or eval mode.
struct Context {
  bool training = false;                  ///< Batch statistics, and dropout unless said otherwise.
  Generator* generator = nullptr;         ///< Of dropout; needed where that is on.
  std::span<Generator> generators = {};   ///< In its place, for replicas: one each.
  RowShare rows = {};                     ///< Which rows of a batch the input is, for dropout.
  std::vector<DenseTap>* taps = nullptr;  ///< Where dense layers put their taps.
  /// The sum of a tensor over all ranks, differentiable. Where it is given, batch statistics are
  /// over the samples of all ranks.
  std::function<Tensor(const Tensor&)> sum_over_ranks = {};
  /// Dropout on or off apart from `training`.
  enum class Dropout { as_training, on, off } dropout = Dropout::as_training;
  /// What a dense layer sees in place of its input [S, N]: for ablations. Gets the layer's path.
  std::function<Tensor(const std::string& layer, const Tensor& input)> edit_dense_input = {};
  /// Called after every module's pass, inner modules first: for summaries and analyses.
  std::function<void(const Module& module, const Tensor& input, const Tensor& output)> observe = {};

  /// The input of the outermost module, while its pass runs; set by Module::operator().
  Tensor model_input = {};

  bool dropout_on() const {
    return dropout == Dropout::as_training ? training : dropout == Dropout::on;
  }
};

}  // namespace hebb
