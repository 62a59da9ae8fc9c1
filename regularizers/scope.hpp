#pragma once

#include <string_view>

#include "layers/module.hpp"

namespace hebb {

/// Which parameters a penalty on parameters covers.
enum class PenaltyScope {
  dense_weights,             ///< The weights of the dense layers in the taps.
  dense_weights_and_biases,  ///< Their biases too, as the published code of BEAN has L1.
  all_parameters,            ///< All that the regularizer was given when it was made.
};
/// As it is written in specs: "weights", "weights-and-biases" or "all".
std::string_view name_of(PenaltyScope scope);

}  // namespace hebb
