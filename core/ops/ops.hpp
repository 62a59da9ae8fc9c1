#pragma once

#include "core/ops/bean.hpp"
#include "core/ops/conv2d.hpp"
#include "core/ops/dropout.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/fill.hpp"
#include "core/ops/layout.hpp"
#include "core/ops/matmul.hpp"
#include "core/ops/normalize.hpp"
#include "core/ops/optimize.hpp"
#include "core/ops/pool2d.hpp"
#include "core/ops/reduce.hpp"
#include "core/ops/softmax.hpp"
