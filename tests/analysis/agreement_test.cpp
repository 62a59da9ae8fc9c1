#include "analysis/agreement.hpp"

#include "core/error.hpp"
#include "tests/analysis/golden.hpp"

using namespace hebb;
using namespace hebb::analysis_golden;

TEST_CASE("agreement of labelings is scikit-learn's", "[analysis]") {
  for (const auto& [name, entry] : golden()["agreement"].items()) {
    const auto a = integers(entry["a"]), b = integers(entry["b"]);
    const double rand = entry["adjusted_rand_index"],
                 information = entry["normalized_mutual_information"];
    INFO(name);
    CHECK(std::abs(adjusted_rand_index(a, b) - rand) < 1e-12);
    CHECK(std::abs(adjusted_rand_index(b, a) - rand) < 1e-12);
    CHECK(std::abs(normalized_mutual_information(a, b) - information) < 1e-12);
    CHECK(std::abs(normalized_mutual_information(b, a) - information) < 1e-12);
  }
}

TEST_CASE("purity and majority classes by hand", "[analysis]") {
  const std::vector<int64_t> clusters = {7, 7, 7, 2, 2, 2, 2, 5};
  const std::vector<int64_t> classes = {1, 1, 0, 3, 3, 0, 0, 9};
  CHECK(purity(clusters, classes) == (2 + 2 + 1) / 8.0);
  CHECK(majority_classes(clusters, classes) == std::vector<int64_t>{0, 9, 1});  // 2, 5, 7
  CHECK(purity(clusters, std::vector<int64_t>(8, 4)) == 1);
  CHECK(purity(clusters, clusters) == 1);
}

TEST_CASE("agreement refuses labelings of different items", "[analysis]") {
  const std::vector<int64_t> two = {0, 1}, three = {0, 1, 2}, none;
  CHECK_THROWS_AS(adjusted_rand_index(two, three), ShapeError);
  CHECK_THROWS_AS(normalized_mutual_information(none, none), ShapeError);
  CHECK_THROWS_AS(purity(three, two), ShapeError);
}
