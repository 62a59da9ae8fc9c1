#pragma once

/// Penalties that are added to the loss.

#include "regularizers/bean.hpp"
#include "regularizers/energy.hpp"
#include "regularizers/l1.hpp"
#include "regularizers/parse.hpp"
#include "regularizers/regularizer.hpp"
#include "regularizers/weight_decay.hpp"
