#include "analysis/selectivity.hpp"

#include <cmath>

#include "core/error.hpp"
#include "core/random.hpp"
#include "tests/analysis/golden.hpp"

using namespace hebb;
using namespace hebb::analysis_golden;

TEST_CASE("class-conditional means by hand", "[analysis]") {
  ClassActivations activations(2);
  activations.add(rows({{1, 10}, {3, 20}}), std::vector<int64_t>{0, 1});
  activations.add(rows({{5, 40}}).to(DType::float32), std::vector<int64_t>{1});
  CHECK(activations.samples() == 3);
  CHECK(activations.counts() == std::vector<int64_t>{1, 2});
  CHECK(activations.class_means().shape() == Shape{2, 2});
  CHECK(activations.class_means().to_vector<double>() == std::vector<double>{1, 10, 4, 30});
  CHECK(largest_difference(activations.mean().to_vector<double>(),
                           std::vector<double>{3, 70.0 / 3}) < 1e-14);
}

TEST_CASE("means do not depend on batches or threads", "[analysis]") {
  Generator generator(1);
  std::vector<double> values(200 * 150);
  std::vector<int64_t> labels(200);
  for (double& x : values) x = generator.normal();
  for (int64_t& label : labels) label = generator.below(4);
  const Tensor all = Tensor::from(values, {200, 150});
  const auto means = [&](int64_t batch) {
    ClassActivations activations(4);
    for (int64_t s = 0; s < 200; s += batch)
      activations.add(all.slice(s, s + batch), std::span(labels).subspan(s, batch));
    return activations.class_means().to_vector<double>();
  };
  const auto [serial, parallel] = with_threads([&] { return means(50); });
  CHECK(serial == parallel);
  CHECK(means(200) == serial);
  CHECK(means(1) == serial);
}

TEST_CASE("class activations refuse what does not fit", "[analysis]") {
  ClassActivations activations(3);
  CHECK_THROWS_AS(activations.mean(), ValueError);
  CHECK_THROWS_AS(activations.class_means(), ValueError);
  activations.add(rows({{1, 2}}), std::vector<int64_t>{0});
  CHECK_THROWS_AS(activations.add(rows({{1, 2, 3}}), std::vector<int64_t>{0}), ShapeError);
  CHECK_THROWS_AS(activations.add(rows({{1, 2}}), std::vector<int64_t>{0, 1}), ShapeError);
  CHECK_THROWS_AS(activations.add(rows({{1, 2}}), std::vector<int64_t>{3}), ValueError);
  CHECK_THROWS_AS(activations.add(rows({{1, std::nan("")}}), std::vector<int64_t>{1}), ValueError);
  CHECK_THROWS_AS(activations.class_means(), ValueError);  // no samples of classes 1 and 2
  CHECK(activations.mean().to_vector<double>() == std::vector<double>{1, 2});
  CHECK_THROWS_AS(ClassActivations(0), ValueError);
}

TEST_CASE("selectivity by hand", "[analysis]") {
  // Neurons: one class only, all alike, in between, dead, nearly dead.
  const Tensor means = rows({{0, 2, 1, 0, 0}, {6, 2, 5, 0, 0.001}, {0, 2, 3, 0, 0}});
  const Selectivity found = selectivity(means);
  CHECK(largest_difference(found.index, std::vector<double>{1, 0, (5.0 - 2) / (5 + 2), 0, 1}) <
        1e-15);
  CHECK(found.most_selective == std::vector<int64_t>{1, 0, 1, -1, 1});
  CHECK(found.dead == 1);
  CHECK(found.is_dead(3));
  CHECK(!found.is_dead(4));

  const Selectivity strict = selectivity(means, {.dead_below = 0.01});
  CHECK(strict.most_selective == std::vector<int64_t>{1, 0, 1, -1, -1});
  CHECK(strict.index[4] == 0);
  CHECK(strict.dead == 2);

  // Without ReLU: alive, though its means cancel or are negative.
  const Selectivity negative = selectivity(rows({{1, -3}, {-1, -1}}));
  CHECK(negative.most_selective == std::vector<int64_t>{0, 1});
  CHECK(negative.index == std::vector<double>{0, 0});
  CHECK_THROWS_AS(selectivity(rows({{1, 2}})), ValueError);
}
