#pragma once

/// Layers and models.

#include "layers/activation.hpp"
#include "layers/batch_norm2d.hpp"
#include "layers/context.hpp"
#include "layers/conv2d.hpp"
#include "layers/conv_batch_norm.hpp"
#include "layers/dropout.hpp"
#include "layers/flatten.hpp"
#include "layers/init.hpp"
#include "layers/linear.hpp"
#include "layers/models/lenet5.hpp"
#include "layers/models/mlp.hpp"
#include "layers/models/registry.hpp"
#include "layers/models/resnet.hpp"
#include "layers/module.hpp"
#include "layers/padding.hpp"
#include "layers/pooling.hpp"
#include "layers/sequential.hpp"
#include "layers/state.hpp"
#include "layers/summary.hpp"
