#include "core/ops/dropout.hpp"

#include <utility>
#include <vector>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

// Keys count blocks of four words: where x begins inside of one, it moves up by as many elements.
Tensor masked(const Tensor& x, double p, const RandomKey& key, int64_t words_before) {
  const std::span keys(&key, 1);
  if (words_before == 0) return backend_of(x)->dropout(x, p, keys);
  const Tensor moved = Tensor::zeros({words_before + x.numel()}, x.options());
  moved.view(x.shape(), words_before).copy_from(x);
  return backend_of(x)->dropout(moved, p, keys).view(x.shape(), words_before);
}

void check_dropout(const Tensor& x, double p) {
  check_operands("dropout", {{"x", x}});
  check(p >= 0 && p < 1, "[dropout] expected p in [0, 1), got {}", p);
}

}  // namespace

Tensor dropout(const Tensor& x, double p, Generator& generator, const RowShare& rows) {
  check_dropout(x, p);
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
  const Tensor y = masked(x, p, key, words_before);
  // The key gives the same mask again; nothing but the key is kept.
  return record("dropout", y, {x}, [p, key, words_before](const Tensor& dy) {
    return Grads{masked(dy, p, key, words_before)};
  });
}

Tensor dropout(const Tensor& x, double p, std::span<Generator> generators) {
  check_dropout(x, p);
  check<ShapeError>(!generators.empty() && x.rank() > 0 && x.size(0) == std::ssize(generators),
                    "[dropout] expected x of shape [R, ...] for {} generators, got {}",
                    generators.size(), x.shape());
  if (p == 0) return x;
  std::vector<RandomKey> keys;
  for (Generator& generator : generators) keys.push_back(generator.reserve(x.numel() / x.size(0)));
  const Tensor y = backend_of(x)->dropout(x, p, keys);
  return record("dropout", y, {x}, [p, keys = std::move(keys)](const Tensor& dy) {
    return Grads{backend_of(dy)->dropout(dy, p, keys)};
  });
}

}  // namespace hebb
