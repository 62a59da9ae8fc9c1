#include "core/ops/dropout.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

// Keys count blocks of four words: where x begins inside of one, it moves up by as many elements.
Tensor masked(const Tensor& x, const Backend::DropoutMask& mask, int64_t words_before) {
  const std::span masks(&mask, 1);
  if (words_before == 0) return backend_of(x)->dropout(x, masks);
  const Tensor moved = Tensor::zeros({words_before + x.numel()}, x.options());
  moved.view(x.shape(), words_before).copy_from(x);
  return backend_of(x)->dropout(moved, masks).view(x.shape(), words_before);
}

void check_probability(double p) {
  check(p >= 0 && p < 1, "[dropout] expected p in [0, 1), got {}", p);
}

}  // namespace

Tensor dropout(const Tensor& x, double p, Generator& generator, const RowShare& rows) {
  check_operands("dropout", {{"x", x}});
  check_probability(p);
  if (p == 0) return x;
  RandomKey key;
  int64_t first = 0;
  if (rows.total == 0) {
    key = generator.reserve(x.numel());
  } else {
    check(x.rank() > 0 && rows.first >= 0 && rows.first + x.size(0) <= rows.total,
          "[dropout] expected rows of a batch of {} from row {} on, got {}", rows.total, rows.first,
          x);
    const int64_t row = x.shape().product(1, x.rank());
    key = generator.reserve(rows.total * row);
    first = rows.first * row;
    key.offset += uint64_t(first) / 4;
  }
  const int64_t words_before = first % 4;
  const Backend::DropoutMask mask{p, key};
  const Tensor y = masked(x, mask, words_before);
  // The key gives the same mask again; nothing but the key is kept.
  return record("dropout", y, {x}, [mask, words_before](const Tensor& dy) {
    return Grads{masked(dy, mask, words_before)};
  });
}

Tensor dropout(const Tensor& x, std::span<const double> p, std::span<Generator> generators) {
  check_operands("dropout", {{"x", x}});
  for (const double each : p) check_probability(each);
  const size_t replicas = generators.size();
  check<ShapeError>(replicas > 0 && x.rank() > 0 && x.size(0) == std::ssize(generators),
                    "[dropout] expected x of shape [R, ...] for {} generators, got {}", replicas,
                    x.shape());
  check(p.size() == 1 || p.size() == replicas,
        "[dropout] expected one p or {}, one for each replica, got {}", replicas, p.size());
  if (std::ranges::all_of(p, [](double each) { return each == 0; })) return x;
  std::vector<Backend::DropoutMask> masks;
  for (size_t r = 0; r < replicas; ++r)
    masks.push_back({p[p.size() == 1 ? 0 : r], generators[r].reserve(x.numel() / x.size(0))});
  const Tensor y = backend_of(x)->dropout(x, masks);
  return record("dropout", y, {x}, [masks = std::move(masks)](const Tensor& dy) {
    return Grads{backend_of(dy)->dropout(dy, masks)};
  });
}

}  // namespace hebb
