#pragma once

#include "apps/fewshot/study/method.hpp"

namespace hebb::apps {

/// Imitation networks, as ImitationOptions says; the parameter is Nadam's learning rate. Takes the
/// rest from `method`, adds `settings` and `run`.
Method imitation_networks(Method method);

}  // namespace hebb::apps
