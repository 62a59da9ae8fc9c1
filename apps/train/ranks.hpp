#pragma once

#include <optional>
#include <string>

#include "apps/common/json.hpp"
#include "distributed/communicator.hpp"
#include "layers/state.hpp"

namespace hebb::apps {

/// Returns once all ranks have the settings of rank 0, but for those that have no say in a run's
/// results; UsageError, with what differs, on a rank that has others.
void check_agreement(Communicator& ranks, const Json& config);

/// The checkpoint that rank 0 has read, its bytes, as a state on all ranks; nothing where it has
/// none. FormatError.
std::optional<State> share_checkpoint(Communicator& ranks, std::optional<std::string> bytes);

}  // namespace hebb::apps
