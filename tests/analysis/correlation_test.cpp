#include "analysis/correlation.hpp"

#include <cmath>

#include "analysis/bipartite.hpp"
#include "core/error.hpp"
#include "core/random.hpp"
#include "tests/analysis/golden.hpp"

using namespace hebb;
using namespace hebb::analysis_golden;

namespace {

using Adjacency = std::vector<std::vector<bool>>;

Tensor as_weights(const Adjacency& edges) {
  std::vector<double> values;
  for (const auto& row : edges)
    for (const bool edge : row) values.push_back(edge ? -1 : 0.01);
  return Tensor::from(values, {std::ssize(edges), std::ssize(edges[0])});
}

/// Four neurons and targets of a cycle, and four vertices of a path, tried one by one.
FourCycles by_brute_force(const Adjacency& e) {
  const size_t n = e.size(), m = e[0].size();
  FourCycles count;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j)
      for (size_t k = 0; k < m; ++k)
        for (size_t l = 0; l < m; ++l) {
          if (i == j || k == l) continue;
          count.four_cycles += i < j && k < l && e[i][k] && e[i][l] && e[j][k] && e[j][l];
          count.three_paths += e[i][k] && e[j][k] && e[j][l];  // i - k - j - l, ends told apart
        }
  return count;
}

FourCycles counted(const Adjacency& edges) {
  return count_four_cycles(strong_connections(as_weights(edges), 0.5));
}

}  // namespace

TEST_CASE("outgoing weights are the transpose of a layer's weight", "[analysis]") {
  const Tensor weight = rows({{1, 2, 3}, {4, 5, 6}}).to(DType::float32);
  const Tensor outgoing = outgoing_weights(weight);
  CHECK(outgoing.shape() == Shape{3, 2});
  CHECK(outgoing.to_vector<double>() == std::vector<double>{1, 4, 2, 5, 3, 6});
}

TEST_CASE("the correlations of Eq. 4 and Eq. 6, term by term", "[analysis]") {
  Generator generator(1);
  constexpr int64_t n = 37, m = 5;
  std::vector<double> w(n * m);
  for (double& x : w) x = generator.normal();
  const Tensor outgoing = Tensor::from(w, {n, m});
  for (const double gamma : {1.0, 2.5}) {
    const auto f = [&](int64_t i, int64_t k) { return std::abs(std::tanh(gamma * w[i * m + k])); };
    std::vector<double> first, second;
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double one = 0, two = 0;
        for (int64_t k = 0; k < m; ++k) {
          one += f(i, k) * f(j, k) / m;
          for (int64_t l = 0; l < m; ++l) two += f(i, k) * f(j, k) * f(i, l) * f(j, l) / (m * m);
        }
        first.push_back(one);
        second.push_back(two);
      }
    const auto found = [&](int order) {
      return neuron_correlation(outgoing, {.order = order, .gamma = gamma}).to_vector<double>();
    };
    CHECK(largest_difference(found(1), first) < 1e-14);
    CHECK(largest_difference(found(2), second) < 1e-14);
  }
  const auto [a, b] =
      with_threads([&] { return neuron_correlation(outgoing).to_vector<double>(); });
  CHECK(a == b);
  CHECK_THROWS_AS(neuron_correlation(outgoing, {.order = 3}), ValueError);
}

TEST_CASE("reordering by assembly puts an assembly's neurons side by side", "[analysis]") {
  const std::vector<int64_t> order = assembly_order(std::vector<int64_t>{2, 0, 2, 1, 0});
  CHECK(order == std::vector<int64_t>{1, 4, 3, 0, 2});
  const Tensor matrix = rows({{11, 12, 13}, {21, 22, 23}, {31, 32, 33}});
  const std::vector<int64_t> swapped = {2, 0, 1};
  CHECK(reorder(matrix, swapped).to_vector<double>() ==
        std::vector<double>{33, 31, 32, 13, 11, 12, 23, 21, 22});
  CHECK(reorder_rows(matrix, swapped).to_vector<double>() ==
        std::vector<double>{31, 32, 33, 11, 12, 13, 21, 22, 23});
  CHECK_THROWS_AS(reorder(matrix, std::vector<int64_t>{0, 3}), ValueError);
  CHECK_THROWS_AS(reorder(rows({{1, 2}}), std::vector<int64_t>{0}), ShapeError);
}

TEST_CASE("strong connections are those above the threshold in magnitude", "[analysis]") {
  const BipartiteGraph graph = strong_connections(rows({{0.5, -0.6}, {0.7, 0.1}, {0, 0}}), 0.5);
  CHECK(graph.neurons == 3);
  CHECK(graph.targets == 2);
  REQUIRE(graph.edges.size() == 2);
  CHECK(
      (graph.edges[0].neuron == 0 && graph.edges[0].target == 1 && graph.edges[0].weight == -0.6));
  CHECK((graph.edges[1].neuron == 1 && graph.edges[1].target == 0 && graph.edges[1].weight == 0.7));
  CHECK_THROWS_AS(strong_connections(rows({{1}}), -0.1), ValueError);
}

TEST_CASE("4-cycles and 3-paths of small graphs", "[analysis]") {
  SECTION("one 4-cycle has four 3-paths") {
    const FourCycles count = counted({{1, 1}, {1, 1}});
    CHECK(count.four_cycles == 1);
    CHECK(count.three_paths == 4);
    CHECK(count.coefficient() == 0.25);
    CHECK(count.closure() == 1);
  }
  SECTION("an open 3-path") {
    const FourCycles count = counted({{1, 0}, {1, 1}});
    CHECK(count.four_cycles == 0);
    CHECK(count.three_paths == 1);
    CHECK(count.coefficient() == 0);
  }
  SECTION("the complete graph of 3 neurons and 4 targets") {
    const FourCycles count = counted({{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 1}});
    CHECK(count.four_cycles == 3 * 6);
    CHECK(count.three_paths == 12 * 2 * 3);
    CHECK(count.closure() == 1);
  }
  SECTION("stars and empty graphs have neither") {
    CHECK(counted({{1}, {1}, {1}}).three_paths == 0);
    CHECK(counted({{1, 0}, {0, 1}}).coefficient() == 0);
    CHECK(counted({{0, 0}}).closure() == 0);
  }
  SECTION("random graphs, by brute force") {
    Generator generator(3);
    for (const double density : {0.2, 0.5, 0.8}) {
      Adjacency edges(9, std::vector<bool>(6));
      for (auto& row : edges)
        for (size_t k = 0; k < row.size(); ++k) row[k] = generator.uniform() < density;
      const FourCycles expected = by_brute_force(edges), count = counted(edges);
      CHECK(count.four_cycles == expected.four_cycles);
      CHECK(count.three_paths == expected.three_paths);
      CHECK(count.closure() <= 1);
    }
  }
}
