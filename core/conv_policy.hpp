#pragma once

#include "core/choice.hpp"
#include "core/options.hpp"

namespace hebb {

/// Which algorithms the convolutions of this process may take. `fast`, the default: the fastest
/// whose float32 results stay within 1e-5 of the largest element of the exact result, Winograd's
/// included. `exact`: those alone that add up the products of the definition.
ConvPolicy conv_policy();
/// Not to be called while operations run.
void set_conv_policy(ConvPolicy policy);
const Choices<ConvPolicy>& conv_policies();

}  // namespace hebb
