#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "analysis/cluster_sweep.hpp"
#include "analysis/kmeans.hpp"
#include "analysis/silhouette.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "tests/analysis/golden.hpp"

using namespace hebb;
using namespace hebb::analysis_golden;

namespace {

Tensor normal_points(int64_t n, int64_t d, uint64_t seed) {
  Generator generator(seed);
  std::vector<double> values(n * d);
  for (double& x : values) x = generator.normal();
  return Tensor::from(values, {n, d});
}

}  // namespace

TEST_CASE("K-means is never worse than scikit-learn's best of ten", "[analysis]") {
  for (const auto& [name, entry] : golden()["points"].items()) {
    const Tensor points = matrix(entry["points"]);
    for (int64_t k = 2; k <= 15; ++k) {
      const double reference = entry["inertia"][size_t(k - 2)];
      INFO(name << ", " << k << " clusters");
      CHECK(kmeans(points, {.clusters = k}).inertia <= reference * (1 + 1e-9));
    }
  }
}

TEST_CASE("K-means' centers, sizes and inertia belong to its labels", "[analysis]") {
  const Tensor points = normal_points(120, 3, 1);
  const KMeans found = kmeans(points, {.clusters = 7});
  const auto x = points.host<double>(), center = found.centers.host<double>();
  std::vector<double> mean(7 * 3);
  std::vector<int64_t> sizes(7);
  double inertia = 0;
  for (int64_t i = 0; i < 120; ++i) {
    const int64_t label = found.labels[i];
    ++sizes[label];
    std::vector<double> distances(7);
    for (int64_t c = 0; c < 7; ++c)
      for (int64_t j = 0; j < 3; ++j) distances[c] += std::pow(x[i * 3 + j] - center[c * 3 + j], 2);
    CHECK(distances[label] == *std::min_element(distances.begin(), distances.end()));
    inertia += distances[label];
    for (int64_t j = 0; j < 3; ++j) mean[label * 3 + j] += x[i * 3 + j];
  }
  for (int64_t k = 0; k < 21; ++k) mean[k] /= double(sizes[k / 3]);
  CHECK(largest_difference(mean, center) < 1e-12);
  CHECK(found.inertia == Approx(inertia).epsilon(1e-12));
  CHECK(found.sizes == sizes);
  CHECK(std::is_sorted(sizes.rbegin(), sizes.rend()));
}

TEST_CASE("K-means with one cluster finds the mean", "[analysis]") {
  const KMeans found = kmeans(rows({{0, 0}, {2, 0}, {4, 6}}), {.clusters = 1});
  CHECK(found.centers.to_vector<double>() == std::vector<double>{2, 2});
  CHECK(found.inertia == Approx(8 + 4 + 20));
}

TEST_CASE("K-means leaves no cluster empty while there are distinct points", "[analysis]") {
  // Many copies of one point, and two others.
  std::vector<double> values(60, 1.0);
  values[10] = 5;
  values[40] = 9;
  const Tensor points = Tensor::from(values, {60, 1});
  CHECK(kmeans(points, {.clusters = 3}).sizes == std::vector<int64_t>{58, 1, 1});
  CHECK(kmeans(points, {.clusters = 3}).inertia == 0);

  const KMeans more = kmeans(points, {.clusters = 5});
  CHECK(more.sizes == std::vector<int64_t>{58, 1, 1, 0, 0});
  CHECK(more.inertia == 0);
  CHECK(std::ranges::all_of(more.centers.to_vector<double>(),
                            [](double c) { return c == 1 || c == 5 || c == 9; }));

  const Tensor distinct = normal_points(40, 2, 2);
  const KMeans each = kmeans(distinct, {.clusters = 40});
  CHECK(each.inertia == 0);
  CHECK(std::set(each.labels.begin(), each.labels.end()).size() == 40);
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const KMeans found = kmeans(distinct, {.clusters = 30, .restarts = 1, .seed = seed});
    CHECK(found.sizes.back() >= 1);
  }
}

TEST_CASE("K-means gives the same bits for any number of threads", "[analysis]") {
  const Tensor points = normal_points(300, 10, 3);
  const auto [a, b] = with_threads([&] { return kmeans(points, {.clusters = 12, .seed = 7}); });
  CHECK(a.labels == b.labels);
  CHECK(a.inertia == b.inertia);
  CHECK(a.centers.to_vector<double>() == b.centers.to_vector<double>());
  CHECK(kmeans(points, {.clusters = 12, .restarts = 1, .seed = 8}).labels !=
        kmeans(points, {.clusters = 12, .restarts = 1, .seed = 9}).labels);
}

TEST_CASE("K-means takes float32 and refuses what it cannot cluster", "[analysis]") {
  const Tensor points = rows({{0, 0}, {0, 1}, {8, 8}});
  CHECK(kmeans(points.to(DType::float32), {.clusters = 2}).labels == std::vector<int64_t>{0, 0, 1});
  CHECK_THROWS_AS(kmeans(points, {.clusters = 4}), ValueError);
  CHECK_THROWS_AS(kmeans(points, {.clusters = 0}), ValueError);
  CHECK_THROWS_AS(kmeans(points, {.clusters = 2, .restarts = 0}), ValueError);
  CHECK_THROWS_AS(kmeans(points.reshape({6}), {.clusters = 2}), ShapeError);
  CHECK_THROWS_AS(kmeans(rows({{0}, {std::nan("")}}), {.clusters = 2}), ValueError);
  CHECK_THROWS_AS(kmeans(rows({{0}, {std::numeric_limits<double>::infinity()}}), {.clusters = 2}),
                  ValueError);
}

TEST_CASE("silhouettes are scikit-learn's", "[analysis]") {
  for (const auto& [name, entry] : golden()["points"].items()) {
    const Tensor points = matrix(entry["points"]);
    const std::vector<int64_t> labels = integers(entry["labels"]);
    for (const Metric metric : {Metric::euclidean, Metric::squared_euclidean}) {
      const char* key = metric == Metric::euclidean ? "euclidean" : "sqeuclidean";
      const std::vector<double> reference = entry["silhouette"][key];
      const Silhouette found = silhouette(points, labels, metric);
      INFO(name << ", " << key);
      CHECK(largest_difference(found.values, reference) < 1e-12);
      CHECK(found.values[0] == 0);  // alone in its cluster
      CHECK(found.mean == Approx(std::accumulate(reference.begin(), reference.end(), 0.0) /
                                 double(reference.size())));
    }
  }
}

TEST_CASE("silhouettes by hand", "[analysis]") {
  const Tensor line = rows({{0}, {1}, {4}, {6}});
  const std::vector<int64_t> labels = {5, 5, -2, -2};
  const Silhouette plain = silhouette(line, labels);
  CHECK(plain.values[0] == Approx((5.0 - 1) / 5));
  CHECK(plain.values[2] == Approx((3.5 - 2) / 3.5));
  const Silhouette squared = silhouette(line, labels, Metric::squared_euclidean);
  CHECK(squared.values[0] == Approx((26.0 - 1) / 26));
  CHECK(squared.values[2] == Approx((12.5 - 4) / 12.5));

  const Silhouette coincident = silhouette(rows({{1}, {1}, {1}, {1}}), labels);
  CHECK(coincident.values == std::vector<double>{0, 0, 0, 0});
}

TEST_CASE("silhouettes: threads and refusals", "[analysis]") {
  const Tensor points = normal_points(200, 4, 5);
  const KMeans clusters = kmeans(points, {.clusters = 6});
  const auto [a, b] = with_threads([&] { return silhouette(points, clusters.labels); });
  CHECK(a.values == b.values);
  CHECK(a.mean == b.mean);
  CHECK_THROWS_AS(silhouette(points, std::vector<int64_t>(200, 3)), ValueError);
  CHECK_THROWS_AS(silhouette(points, std::vector<int64_t>(199, 3)), ShapeError);
}

TEST_CASE("a sweep finds how many clusters there are", "[analysis]") {
  // Four tight groups on the corners of a square.
  Generator generator(4);
  std::vector<double> values;
  for (int i = 0; i < 40; ++i) {
    values.push_back(10 * (i % 2) + generator.normal());
    values.push_back(10 * (i / 2 % 2) + generator.normal());
  }
  const Tensor points = Tensor::from(values, {40, 2});
  const auto sweep = cluster_sweep(points);
  REQUIRE(sweep.size() == 14);
  CHECK(best(sweep).clusters() == 4);
  CHECK(best(sweep).silhouette.mean > 0.7);
  for (size_t i = 1; i < sweep.size(); ++i) {
    CHECK(sweep[i].clusters() == int64_t(i) + 2);
    CHECK(sweep[i].kmeans.inertia < sweep[i - 1].kmeans.inertia);
  }
  CHECK_THROWS_AS(cluster_sweep(points, {.first = 1, .last = 3}), ValueError);
  CHECK_THROWS_AS(cluster_sweep(points, {.first = 2, .last = 40}), ValueError);
  CHECK_THROWS_AS(best({}), ValueError);
}
