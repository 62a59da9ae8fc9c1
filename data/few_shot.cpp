#include "data/few_shot.hpp"

#include "core/check.hpp"

namespace hebb {

std::vector<int64_t> few_shot(const Dataset& dataset, const Generator& generator,
                              const FewShotOptions& options) {
  check_dataset(dataset);
  const int64_t last = options.last < 0 ? dataset.size() : options.last;
  check(options.first >= 0 && options.first <= last && last <= dataset.size(),
        "[few_shot] expected a range inside [0, {}), got [{}, {})", dataset.size(), options.first,
        last);
  check(options.shots >= 1, "[few_shot] expected at least 1 shot, got {}", options.shots);

  std::vector<std::vector<int64_t>> members(size_t(dataset.classes));
  const auto labels = dataset.labels.host<int64_t>();
  for (int64_t i = options.first; i < last; ++i) members[size_t(labels[i])].push_back(i);

  std::vector<int64_t> drawn;
  drawn.reserve(size_t(options.shots * dataset.classes));
  for (int64_t c = 0; c < dataset.classes; ++c) {
    const std::vector<int64_t>& candidates = members[size_t(c)];
    check(options.shots <= std::ssize(candidates),
          "[few_shot] expected at least {} samples of class {} in [{}, {}), got {}", options.shots,
          c, options.first, last, candidates.size());
    const std::vector<int64_t> order =
        generator.split(uint64_t(c)).permutation(std::ssize(candidates));
    for (int64_t i = 0; i < options.shots; ++i) drawn.push_back(candidates[size_t(order[i])]);
  }
  return drawn;
}

}  // namespace hebb
