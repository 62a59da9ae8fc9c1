#include "analysis/ablation.hpp"

#include "core/error.hpp"
#include "core/ops/reduce.hpp"
#include "core/random.hpp"
#include "layers/context.hpp"
#include "layers/models/mlp.hpp"
#include "tests/analysis/golden.hpp"

using namespace hebb;
using namespace hebb::analysis_golden;

using Values = std::vector<double>;
using Indices = std::vector<int64_t>;

TEST_CASE("ablation zeroes or clamps the named layer's neurons only", "[analysis]") {
  const Tensor input = rows({{1, 2, 3}, {4, 5, 6}});
  Context context;
  context.edit_dense_input = ablate("fc2", {0, 2});
  CHECK(context.edit_dense_input("fc2", input).to_vector<double>() == Values{0, 2, 0, 0, 5, 0});
  CHECK(context.edit_dense_input("fc1", input).data() == input.data());

  const Tensor means = Tensor::from(Values{7, 8, 9}, {3});
  context.edit_dense_input = ablate("fc2", {2}, means);
  CHECK(context.edit_dense_input("fc2", input).to_vector<double>() == Values{1, 2, 9, 4, 5, 9});
  CHECK(context.edit_dense_input("fc2", input.to(DType::float32)).to_vector<float>() ==
        std::vector<float>{1, 2, 9, 4, 5, 9});
  CHECK(ablate("fc2", {})("fc2", input).to_vector<double>() == input.to_vector<double>());
  CHECK(input.to_vector<double>() == Values{1, 2, 3, 4, 5, 6});
}

TEST_CASE("ablated neurons get no gradient", "[analysis]") {
  Tensor input = rows({{1, 2, 3}, {4, 5, 6}});
  input.set_requires_grad();
  sum(ablate("fc", {1})("fc", input)).backward();
  CHECK(input.grad().to_vector<double>() == Values{1, 0, 1, 1, 0, 1});
}

TEST_CASE("ablating neurons is as good as cutting their outgoing weights", "[analysis]") {
  Sequential model = mlp({5, 8, 3});
  Generator generator(1);
  std::vector<float> values(4 * 5);
  for (float& x : values) x = float(generator.normal());
  const Tensor x = Tensor::from(values, {4, 5});
  Context context{.edit_dense_input = ablate("fc2", {1, 6})};
  const std::vector<float> ablated = model(x, context).to_vector<float>();
  CHECK(ablated != model(x).to_vector<float>());
  for (const NamedTensor& parameter : model.parameters()) {
    if (parameter.name != "fc2.weight") continue;
    REQUIRE(parameter.tensor.shape() == Shape{3, 8});
    for (int64_t m = 0; m < 3; ++m)
      parameter.tensor.host<float>()[m * 8 + 1] = parameter.tensor.host<float>()[m * 8 + 6] = 0;
  }
  const std::vector<float> cut = model(x).to_vector<float>();
  CHECK(largest_difference(ablated, cut) < 1e-6);
}

TEST_CASE("ablation refuses what does not fit", "[analysis]") {
  const Tensor input = rows({{1, 2, 3}});
  CHECK_THROWS_AS(ablate("fc", {3})("fc", input), ValueError);
  CHECK_THROWS_AS(ablate("fc", {-1})("fc", input), ValueError);
  CHECK_THROWS_AS(ablate("fc", {0}, Tensor::from(Values{1, 2}, {2}))("fc", input), ShapeError);
  CHECK_THROWS_AS(ablate("fc", {0})("fc", input.reshape({3})), ShapeError);
}

TEST_CASE("neurons by label", "[analysis]") {
  CHECK(neuron_groups(Indices{2, -1, 0, 2, 0}, 4) == std::vector<Indices>{{2, 4}, {}, {0, 3}, {}});
  CHECK_THROWS_AS(neuron_groups(Indices{4}, 4), ValueError);
}

TEST_CASE("accuracy by class", "[analysis]") {
  ClassAccuracy accuracy(3);
  CHECK_THROWS_AS(accuracy.overall(), ValueError);
  accuracy.add(Indices{0, 1, 1}, Indices{0, 0, 1});
  CHECK_THROWS_AS(accuracy.per_class(), ValueError);
  accuracy.add(Indices{2, 0, 1}, Indices{2, 2, 1});
  CHECK(accuracy.per_class() == Values{0.5, 1, 0.5});
  CHECK(accuracy.overall() == 4.0 / 6);
  CHECK_THROWS_AS(accuracy.add(Indices{0}, Indices{0, 1}), ShapeError);
  CHECK_THROWS_AS(accuracy.add(Indices{0}, Indices{3}), ValueError);
}

TEST_CASE("an ablation study by hand", "[analysis]") {
  // Class c is recognised in proportion to its neurons that are left: 0, 1 for class 0, 2 for 1.
  std::vector<Indices> calls;
  const auto accuracy = [&](std::span<const int64_t> neurons) {
    calls.emplace_back(neurons.begin(), neurons.end());
    Values values = {1, 0.75, 0.5};
    for (const int64_t neuron : neurons) values[neuron < 2 ? 0 : 1] -= neuron < 2 ? 0.5 : 0.75;
    return values;
  };
  const AblationStudy study = ablation_study({{0, 1}, {2}, {}}, accuracy);
  CHECK(study.baseline == Values{1, 0.75, 0.5});
  CHECK(study.change.shape() == Shape{3, 3});
  CHECK(study.change.to_vector<double>() == Values{-1, 0, 0, 0, -0.75, 0, 0, 0, 0});
  CHECK(calls == std::vector<Indices>{{}, {0, 1}, {2}});

  const Diagonality found = diagonality(study.change);
  CHECK(found.own == Approx(-1.75 / 3));
  CHECK(found.other == 0);
  CHECK(found.score() == Approx(1.75 / 3));
  CHECK(found.diagonal_groups == 2);

  bool wrong = false;
  CHECK_THROWS_AS(ablation_study({{0}},
                                 [&](std::span<const int64_t>) {
                                   wrong = !wrong;
                                   return Values(wrong ? 2 : 3);
                                 }),
                  ShapeError);
}

TEST_CASE("diagonality of known matrices", "[analysis]") {
  const Diagonality perfect = diagonality(rows({{-1, 0, 0}, {0, -1, 0}, {0, 0, -1}}));
  CHECK(perfect.score() == 1);
  CHECK(perfect.diagonal_groups == 3);

  // One group holds everything, as with BEAN-1 on LeNet-5 in its degenerate regime.
  const Diagonality degenerate = diagonality(rows({{-1, -1, -1}, {0, 0, 0}, {0, 0, 0}}));
  CHECK(degenerate.score() == Approx(0).margin(1e-15));
  CHECK(degenerate.own == Approx(-1.0 / 3));
  CHECK(degenerate.diagonal_groups == 0);

  // Two assemblies of one class, in any order.
  const Tensor assemblies = rows({{0, -0.6, 0.2}, {0, -0.4, 0}, {-0.8, -0.1, -0.1}});
  const Diagonality mapped = diagonality(assemblies, Indices{1, 1, 0});
  CHECK(mapped.own == Approx(-0.6));
  CHECK(mapped.other == Approx((0.1 + 0 - 0.1) / 3).margin(1e-15));
  CHECK(mapped.diagonal_groups == 3);

  CHECK_THROWS_AS(diagonality(assemblies, Indices{1, 1}), ShapeError);
  CHECK_THROWS_AS(diagonality(assemblies, Indices{1, 1, 3}), ValueError);
  CHECK_THROWS_AS(diagonality(rows({{0, 0}, {0, 0}, {0, 0}})), ValueError);
  CHECK_THROWS_AS(diagonality(rows({{-1}})), ValueError);
}
