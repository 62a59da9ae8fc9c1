#pragma once

/// Optimisers, schedules, the step of training and the trainer.

#include "optim/adam.hpp"
#include "optim/clip.hpp"
#include "optim/make_optimizer.hpp"
#include "optim/muon.hpp"
#include "optim/optimizer.hpp"
#include "optim/schedule.hpp"
#include "optim/sgd.hpp"
#include "optim/train_step.hpp"
#include "optim/trainer.hpp"
