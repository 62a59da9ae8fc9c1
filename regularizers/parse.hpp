#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "core/api.hpp"
#include "core/spec.hpp"
#include "layers/module.hpp"
#include "regularizers/regularizer.hpp"

namespace HEBB_API hebb {

/// A regularizer from a text, as flags have it:
///
///     bean:order=2,alpha=1e5,gamma=1,divergence=absolute,normalisation=published-code,layers=fc*+out
///     l1:lambda=1e-4,scope=weights-and-biases        (weights, weights-and-biases or all)
///     l2:lambda=1e-4,scope=all
///     energy:activity=1e-3,weight=1e-4,nonnegativity=2
///
/// What is not given is as in the options' structs; several layers are joined by "+". `parameters`
/// is what scope=all covers. ValueError for a name, a key or a value that is not known, which says
/// what is.
std::unique_ptr<Regularizer> make_regularizer(std::string_view text,
                                              std::span<const NamedTensor> parameters = {});

/// One for each text.
Regularizers make_regularizers(const std::vector<std::string>& texts,
                               std::span<const NamedTensor> parameters = {});

using MakeRegularizer = std::unique_ptr<Regularizer> (*)(Spec&, const std::vector<NamedTensor>&);
const Choices<MakeRegularizer>& known_regularizers();

}  // namespace hebb
