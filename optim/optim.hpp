#pragma once

/// Optimisers, schedules and the trainer.

#include "optim/adam.hpp"
#include "optim/clip.hpp"
#include "optim/make_optimizer.hpp"
#include "optim/optimizer.hpp"
#include "optim/schedule.hpp"
#include "optim/sgd.hpp"
#include "optim/trainer.hpp"
