#include "core/ops/dropout.hpp"

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {

Tensor dropout(const Tensor& x, double p, Generator& generator) {
  check_operands("dropout", {{"x", x}});
  check(p >= 0 && p < 1, "[dropout] expected p in [0, 1), got {}", p);
  if (p == 0) return x;
  const RandomKey key = generator.reserve(x.numel());
  const Tensor y = backend_of(x)->dropout(x, p, key);
  // The key gives the same mask again; nothing but the key is kept.
  return record("dropout", y, {x},
                [p, key](const Tensor& dy) { return Grads{backend_of(dy)->dropout(dy, p, key)}; });
}

}  // namespace hebb
