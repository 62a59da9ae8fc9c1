#pragma once

#include <map>
#include <string>

#include "core/tensor.hpp"

namespace hebb {

/// A state: tensors by name.
using State = std::map<std::string, Tensor>;

/// Copies each tensor of `source` into the one of that name in `target`, converting the element
/// type where it differs. Strict: unless both have the same names and shapes, nothing is copied
/// and one ValueError, which begins with `where`, lists all that is missing, unexpected or of
/// another shape.
void copy_state(const State& target, const State& source, const char* where);

}  // namespace hebb
