#include "analysis/tsne.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/kmeans.hpp"
#include "analysis/pca.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "tests/analysis/golden.hpp"

using namespace hebb;
using namespace hebb::analysis_golden;

namespace {

/// Three clouds, far apart.
Tensor clouds(int64_t n) {
  Generator generator(11);
  std::vector<double> values(n * 5);
  for (int64_t k = 0; k < n * 5; ++k)
    values[k] = generator.normal() + (k % 5 == k / 5 % 3 ? 20.0 : 0.0);
  return Tensor::from(values, {n, 5});
}

}  // namespace

TEST_CASE("t-SNE's divergence is within 5 % of scikit-learn's", "[analysis]") {
  // On average over points that differ by 1e-9: on few points, t-SNE is chaotic.
  for (const auto& [name, entry] : golden()["points"].items()) {
    const std::vector<double> reference = entry["tsne"]["kl_divergence"];
    const std::vector<double> points = matrix(entry["points"]).to_vector<double>();
    const int64_t n = std::ssize(entry["points"]), d = std::ssize(points) / n;
    Generator generator(1);
    std::vector<double> found;
    for (size_t run = 0; run < reference.size(); ++run) {
      std::vector<double> jittered = points;
      for (double& x : jittered) x += 1e-9 * generator.normal();
      found.push_back(
          tsne(Tensor::from(jittered, {n, d}), {.perplexity = entry["tsne"]["perplexity"]})
              .kl_divergence);
    }
    const auto mean = [](const std::vector<double>& values) {
      return std::accumulate(values.begin(), values.end(), 0.0) / double(values.size());
    };
    INFO(name);
    CHECK(mean(found) == Approx(mean(reference)).epsilon(0.05));
    CHECK(*std::max_element(found.begin(), found.end()) < 1.15 * mean(reference));
  }
}

TEST_CASE("t-SNE reports the divergence of the map it returns", "[analysis]") {
  // With perplexity n - 1 every p(j | i) is 1 / (n - 1), so P is known without a search.
  const Tensor points = clouds(12);
  const Tsne found = tsne(points, {.perplexity = 11, .iterations = 300});
  const auto y = found.embedding.host<double>();
  const auto q = [&](int i, int j) {
    return 1 / (1 + std::pow(y[2 * i] - y[2 * j], 2) + std::pow(y[2 * i + 1] - y[2 * j + 1], 2));
  };
  double z = 0, divergence = 0;
  for (int i = 0; i < 12; ++i)
    for (int j = 0; j < 12; ++j) z += i == j ? 0 : q(i, j);
  for (int i = 0; i < 12; ++i)
    for (int j = 0; j < 12; ++j)
      divergence += i == j ? 0 : std::log(1.0 / 132 / (q(i, j) / z)) / 132;
  CHECK(found.kl_divergence == Approx(divergence).epsilon(1e-3));
}

TEST_CASE("t-SNE keeps clusters together, from either start", "[analysis]") {
  const Tensor points = clouds(90);
  for (const auto start : {TsneOptions::Start::pca, TsneOptions::Start::random}) {
    const Tsne found = tsne(points, {.start = start, .seed = 3});
    REQUIRE(found.embedding.shape() == Shape{90, 2});
    const KMeans clusters = kmeans(found.embedding, {.clusters = 3});
    for (int64_t i = 3; i < 90; ++i) CHECK(clusters.labels[i] == clusters.labels[i % 3]);
    CHECK(clusters.sizes == std::vector<int64_t>{30, 30, 30});
  }
}

TEST_CASE("t-SNE: seeds, threads, progress", "[analysis]") {
  const Tensor points = clouds(101);
  const auto run = [&](uint64_t seed) {
    return tsne(points, {.iterations = 120, .start = TsneOptions::Start::random, .seed = seed})
        .embedding.to_vector<double>();
  };
  const auto [a, b] = with_threads([&] { return run(5); });
  CHECK(a == b);
  CHECK(run(6) != a);

  std::vector<TsneProgress> progress;
  const Tsne found = tsne(points, {.iterations = 400, .on_progress = [&](const TsneProgress& p) {
                                     progress.push_back(p);
                                   }});
  REQUIRE(progress.size() == 8);
  CHECK(progress.front().iteration == 50);
  CHECK(progress.back().iteration == 400);
  CHECK(progress.back().iterations == 400);
  CHECK(progress.back().kl_divergence == found.kl_divergence);
  CHECK(progress.back().kl_divergence < progress.front().kl_divergence);
}

TEST_CASE("t-SNE takes degenerate points and refuses wrong options", "[analysis]") {
  // All the same, on a line, and many copies: the map is finite and spreads.
  for (const Tensor& points :
       {Tensor::from(std::vector<double>(40, 0.5), {20, 2}),
        Tensor::from(std::vector<double>(20, 1.0), {20, 1}),
        rows({{1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {1, 2, 3}, {9, 2, 3}, {4, 4, 4}})}) {
    const Tsne found = tsne(points, {.perplexity = 3, .iterations = 300});
    CHECK(std::isfinite(found.kl_divergence));
    CHECK(pca(found.embedding).variances[1] > 0);
  }
  const Tensor points = clouds(30);
  CHECK_THROWS_AS(tsne(points, {.perplexity = 30}), ValueError);
  CHECK_THROWS_AS(tsne(points, {.perplexity = 0.5}), ValueError);
  CHECK_THROWS_AS(tsne(points, {.perplexity = std::nan("")}), ValueError);
  CHECK_THROWS_AS(tsne(points, {.perplexity = 5, .iterations = 0}), ValueError);
  CHECK_THROWS_AS(tsne(points, {.perplexity = 5, .early_exaggeration = 0}), ValueError);
  CHECK_THROWS_AS(tsne(points, {.perplexity = 5, .learning_rate = -1}), ValueError);
  CHECK_THROWS_AS(tsne(points.reshape({150})), ShapeError);
}

TEST_CASE("principal components are scikit-learn's", "[analysis]") {
  for (const auto& [name, entry] : golden()["points"].items()) {
    const Pca found = pca(matrix(entry["points"]), 2);
    INFO(name);
    CHECK(largest_difference(found.components.to_vector<double>(),
                             matrix(entry["pca"]["components"]).to_vector<double>()) < 1e-9);
    CHECK(largest_difference(found.projected.to_vector<double>(),
                             matrix(entry["pca"]["projected"]).to_vector<double>()) < 1e-9);
    CHECK(largest_difference(found.variances,
                             entry["pca"]["variances"].get<std::vector<double>>()) < 1e-12);
  }
  CHECK_THROWS_AS(pca(rows({{1, 2}, {3, 4}}), 3), ValueError);
}
