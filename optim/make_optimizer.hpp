#pragma once

#include <memory>
#include <string_view>

#include "core/api.hpp"
#include "core/spec.hpp"
#include "optim/optimizer.hpp"

namespace HEBB_API hebb {

/// An optimiser by name, with its options where wanted: "sgd:momentum=0.9,nesterov=true",
/// "adam:beta1=0.9", "adamw:weight-decay=0.05", "nadam". With "decay-on=weights" parameters of one
/// dimension, which are biases and the scales and shifts of normalisations, do not decay (He et
/// al., CVPR 2019, "no bias decay"), but for those in one of the `groups`. ValueError for what is
/// not known, naming what is.
std::unique_ptr<Optimizer> make_optimizer(std::string_view text,
                                          std::vector<NamedTensor> parameters, double lr,
                                          const std::vector<ParameterGroup>& groups = {});

using MakeOptimizer = std::unique_ptr<Optimizer> (*)(Spec&, std::vector<NamedTensor>, double lr,
                                                     const std::vector<ParameterGroup>&);
const Choices<MakeOptimizer>& known_optimizers();

}  // namespace hebb
