#pragma once

/// The engine: tensors, automatic differentiation, operations, random numbers, files.

#include "core/autograd.hpp"
#include "core/choice.hpp"
#include "core/conv_policy.hpp"
#include "core/device.hpp"
#include "core/dtype.hpp"
#include "core/error.hpp"
#include "core/log.hpp"
#include "core/number.hpp"
#include "core/ops/ops.hpp"
#include "core/parallel.hpp"
#include "core/precision.hpp"
#include "core/profile.hpp"
#include "core/random.hpp"
#include "core/serialize.hpp"
#include "core/shape.hpp"
#include "core/spec.hpp"
#include "core/storage.hpp"
#include "core/tensor.hpp"
#include "core/version.hpp"
