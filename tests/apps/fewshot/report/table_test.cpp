#include "apps/fewshot/report/table.hpp"

#include <nlohmann/json.hpp>

#include "apps/fewshot/report/formats.hpp"
#include "tests/apps/fewshot/support.hpp"

namespace hebb::apps {
namespace {

struct Study {
  std::vector<RunKey> cells;
  Results results;
};

// Dropout gains 0.05 points in every draw, BEAN a little more in each.
Study make_study(int64_t draws) {
  Study study;
  for (const char* method : {"vanilla", "dropout", "bean-1"}) {
    study.cells.push_back({.dataset = "mnist", .shots = 1, .method = method, .value = 1});
    for (int64_t draw = 0; draw < draws; ++draw) {
      RunKey key = study.cells.back();
      key.draw = draw;
      const int64_t gain = key.method == "bean-1" ? 100 + draw : key.method == "dropout" ? 5 : 0;
      study.results[key.text()] = {.correct = 4000 + 300 * draw + gain, .total = 10'000};
    }
  }
  return study;
}

TEST_CASE("The table compares each method with vanilla on the same draws", "[apps]") {
  const int64_t draws = 6;
  const auto [cells, results] = make_study(draws);
  const std::vector<Cell> table = make_table(cells, draws, results);
  REQUIRE(table.size() == 3);
  CHECK(!table[0].gain);
  CHECK(table[0].accuracy.mean == Approx(47.5));
  CHECK(*table[0].paper == Approx(38.63));
  CHECK(*table[2].paper == Approx(54.79));
  CHECK(table[2].gain->mean == Approx(1.025));
  CHECK(table[2].gain->deviation == Approx(0.0187083));
  CHECK(table[2].p == Approx(0.03125));
  CHECK(table[2].p_holm == Approx(0.0625));  // two comparisons
  CHECK(table[1].gain->margin == Approx(0).margin(1e-9));

  const std::string markdown = to_markdown(table);
  CHECK(test::contains(markdown, "| 0.031 | 0.062 |"));
  CHECK(test::contains(markdown, "| mnist | 1 | bean-1 | alpha 1 | 6 | 48.52 |"));
  CHECK(std::ranges::count(to_csv(cells, draws, results), '\n') == 1 + 3 * draws);
  CHECK(to_json(table)[2]["gain_over_vanilla"]["mean"].get<double>() == Approx(1.025));
  const std::vector<Cell> other = make_table(cells, draws, results, "bean-1");
  CHECK(to_json(other)[0]["gain_over_bean-1"]["mean"].get<double>() == Approx(-1.025));
  CHECK(!other[2].gain);
}

TEST_CASE("p takes as many draws as can make any gain significant", "[apps]") {
  CHECK(draws_for_p(1) == 6);    // 2 / 2^6 = 0.031
  CHECK(draws_for_p(6) == 8);    // 6 / 2^7 = 0.047
  CHECK(draws_for_p(56) == 12);  // 56 / 2^11 = 0.027
  // The rule is the test's: draws that all gain come to its smallest p.
  for (int64_t n = 1; n < 10; ++n) {
    const std::vector<double> p_values(3, signed_rank_test(std::vector<double>(size_t(n), 1)));
    CHECK((holm_correction(p_values)[0] <= 0.05) == (n >= draws_for_p(3)));
  }
}

TEST_CASE("The terminal's table has no p where the draws are too few for one", "[apps]") {
  const auto text = [](int64_t draws) {
    const Study study = make_study(draws);
    return to_terminal(make_table(study.cells, draws, study.results));
  };
  const std::string few = text(6), enough = text(7);
  for (const char* part : {"47.50 ± 5.89", "54.79", "+1.02 ± 0.02"})
    CHECK(test::contains(few, part));
  CHECK(few.ends_with("\np: needs at least 7 draws\n"));
  CHECK(!test::contains(few, "0.062"));
  CHECK(test::contains(enough, "  p\n"));
  CHECK(test::contains(enough, "0.031"));
  CHECK(!test::contains(enough, "needs at least"));
}

}  // namespace
}  // namespace hebb::apps
