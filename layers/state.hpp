#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/api.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// A state: tensors by name.
using State = std::map<std::string, Tensor>;

/// Unless both have the same names and shapes, one ValueError, which begins with `where`, lists all
/// that is missing, unexpected or of another shape in `source`.
void check_state(const State& target, const State& source, const char* where);

/// Copies each tensor of `source` into the one of that name in `target`, converting the element
/// type where it differs. Strict as check_state is, in which case nothing is copied.
void copy_state(const State& target, const State& source, const char* where);

/// Adds `part` to a state, each name after `prefix` ("model."); and what was added so.
void add_part(State& state, std::string_view prefix, const State& part);
State part_of(const State& state, std::string_view prefix);

}  // namespace hebb
