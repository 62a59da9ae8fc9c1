#pragma once

#include "core/api.hpp"
#include "core/choice.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// Which parameters a penalty on parameters covers.
enum class PenaltyScope {
  dense_weights,             ///< The weights of the dense layers in the taps.
  dense_weights_and_biases,  ///< Their biases too, as the published code of BEAN has L1.
  all_parameters,            ///< All that the regularizer was given when it was made.
};
const Choices<PenaltyScope>& known_scopes();

}  // namespace hebb
