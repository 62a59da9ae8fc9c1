#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/fewshot/protocol.hpp"
#include "regularizers/regularizer.hpp"

namespace hebb::apps {

/// A row of the table: what is done against overfitting, and the one number that is tuned for it.
struct Method {
  std::string_view name;
  std::string_view parameter;  ///< What is tuned; "" for nothing.
  double fallback;             ///< Its value where nothing has been tuned.
  double published;            ///< Its value in the authors' code; NaN where they tune it too.
  std::vector<double> grid;    ///< What --tune tries: as many values for every method.

  bool is_bean() const { return name.starts_with("bean-"); }
  /// BEAN's alpha depends on the normalisation, and so do its grid and fallback.
  Method under(Normalisation normalisation) const;
};

/// vanilla, dropout, weight-decay, l1, imitation, bean-1, bean-2 as in the paper's Table 1, and
/// gaussian-process, the reference model of the imitation networks.
std::span<const Method> methods();
/// ValueError for an unknown name, which lists the known ones.
const Method& method_named(std::string_view name);

/// The penalty that a method adds to the loss; none for most.
std::unique_ptr<Regularizer> make_regularizer(const Method& method, double value,
                                              Normalisation normalisation);

}  // namespace hebb::apps
