#include "analysis/statistics.hpp"

#include "core/error.hpp"
#include "tests/catch.hpp"

// Expected numbers are SciPy's unless said otherwise.
namespace hebb {
namespace {

TEST_CASE("A summary holds the mean and Student's 95 % interval", "[analysis]") {
  const std::vector<double> values = {1.2, -0.4, 2.1, 0.8, 0.3, -0.9, 1.7, 2.2};
  const MeanSummary summary = summarize(values);
  CHECK(summary.count == 8);
  CHECK(summary.mean == Approx(0.875));
  CHECK(summary.deviation == Approx(1.1436158196077664));
  CHECK(summary.error == Approx(0.4043292505584315));
  CHECK(summary.mean - summary.margin == Approx(-0.08108675149880229));
  CHECK(summary.mean + summary.margin == Approx(1.8310867514988023));

  const MeanSummary one = summarize(std::vector{3.5});
  CHECK(one.mean == 3.5);
  CHECK(one.margin == 0);
  CHECK_THROWS_AS(summarize({}), ValueError);
}

TEST_CASE("Student's quantiles are SciPy's", "[analysis]") {
  struct Case {
    double p;
    int64_t degrees;
    double t;
  };
  for (const auto& [p, degrees, t] : {Case{0.975, 1, 12.706204736174694},
                                      {0.975, 2, 4.302652729749462},
                                      {0.975, 7, 2.364624251592784},
                                      {0.975, 19, 2.0930240544083087},
                                      {0.9, 5, 1.4758840488244815},
                                      {0.025, 10, -2.2281388519862753},
                                      {0.9995, 3, 12.923978636687961}})
    CHECK(student_t_quantile(p, degrees) == Approx(t).epsilon(1e-9));
  CHECK(student_t_quantile(0.5, 4) == Approx(0).margin(1e-12));
  CHECK_THROWS_AS(student_t_quantile(0, 3), ValueError);
  CHECK_THROWS_AS(student_t_quantile(1, 3), ValueError);
  CHECK_THROWS_AS(student_t_quantile(0.5, 0), ValueError);
}

TEST_CASE("The signed-rank test is exact", "[analysis]") {
  CHECK(signed_rank_test(std::vector{1.2, -0.4, 2.1, 0.8, 0.3, -0.9, 1.7, 2.2}) ==
        Approx(0.109375));
  // With shared ranks and a zero, by enumeration of all signs.
  CHECK(signed_rank_test(std::vector<double>{3, -1, 1, 2, 2, -2, 4, 0, 5, 1}) ==
        Approx(0.08203125));
  // All of one sign: two of 2^n patterns.
  CHECK(signed_rank_test(std::vector<double>(20, 1.5)) == Approx(2.0 / 1048576));
  CHECK(signed_rank_test(std::vector{-1.0, -2.0, -3.0}) == Approx(0.25));
  CHECK(signed_rank_test(std::vector{1.0, -1.0}) == 1);
  CHECK(signed_rank_test(std::vector{0.0, 0.0}) == 1);
  CHECK(signed_rank_test({}) == 1);
}

TEST_CASE("Holm's correction keeps the order and never exceeds one", "[analysis]") {
  // As R's p.adjust(method = "holm") has it.
  const std::vector<double> corrected = holm_correction(std::vector{0.01, 0.04, 0.03, 0.005, 0.9});
  const std::vector<double> expected = {0.04, 0.09, 0.09, 0.025, 0.9};
  REQUIRE(corrected.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) CHECK(corrected[i] == Approx(expected[i]));
  CHECK(holm_correction(std::vector{0.6, 0.7}) == std::vector{1.0, 1.0});
  CHECK(holm_correction({}).empty());
}

}  // namespace
}  // namespace hebb
