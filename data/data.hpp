#pragma once

/// Data sets: files, generated digits, draws, transforms and batches.

#include "data/catalog.hpp"
#include "data/cifar.hpp"
#include "data/dataset.hpp"
#include "data/few_shot.hpp"
#include "data/idx.hpp"
#include "data/loader.hpp"
#include "data/mnist.hpp"
#include "data/synthetic.hpp"
#include "data/transforms.hpp"
