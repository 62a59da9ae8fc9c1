#pragma once

#include "core/api.hpp"
#include "core/choice.hpp"
#include "core/options.hpp"

namespace HEBB_API hebb {

/// Which algorithms the convolutions of this process may take. `fast`, the default: the fastest
/// whose float32 results stay within 1e-5 of the largest element of the exact result, Winograd's
/// included. `exact`: those alone that add up the products of the definition. The choice is by
/// shape, the batch's size included, so that an image's last bits may differ between batches of
/// other sizes.
ConvPolicy conv_policy();
/// Not to be called while operations run.
void set_conv_policy(ConvPolicy policy);
const Choices<ConvPolicy>& conv_policies();

}  // namespace hebb
