#pragma once

#include "core/api.hpp"
#include "core/tensor.hpp"

/// Comparisons, and choices between elements. Operands broadcast and are checked as those of the
/// elementwise operations are.
namespace HEBB_API hebb {

/// 1 where it holds and 0 elsewhere, in the operands' element type; nothing flows back. Where an
/// operand is NaN all but not_equal are 0.
Tensor equal(const Tensor& a, const Tensor& b);
Tensor not_equal(const Tensor& a, const Tensor& b);
Tensor less(const Tensor& a, const Tensor& b);
Tensor less_equal(const Tensor& a, const Tensor& b);
Tensor greater(const Tensor& a, const Tensor& b);
Tensor greater_equal(const Tensor& a, const Tensor& b);

/// The larger and the smaller of two elements; NaN where one of them is. Equal ones share the
/// gradient.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);

/// a where the condition is not 0, else b. The condition has the operands' element type, as
/// comparisons give it; nothing flows back to it.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

/// x within [lowest, highest]. The gradient passes where x is within, its ends included.
/// ValueError unless lowest <= highest.
Tensor clamp(const Tensor& x, double lowest, double highest);

}  // namespace hebb
