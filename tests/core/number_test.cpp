#include "core/number.hpp"

#include "core/error.hpp"
#include "tests/catch.hpp"

using namespace hebb;

namespace {

template <class T>
void refuse(const std::string& text, const Range& range, const std::string& wanted) {
  CHECK_THROWS_AS(parse_number<T>(text, range, "x:"), ValueError);
  CHECK_THROWS_WITH(parse_number<T>(text, range, "x:"),
                    "x: expected " + wanted + ", got \"" + text + "\"");
}

}  // namespace

TEST_CASE("numbers are whole texts", "[core]") {
  CHECK(parse_number<double>("1e-3", {}, "x") == 1e-3);
  CHECK(parse_number<double>("-.5", {}, "x") == -0.5);
  CHECK(parse_number<double>("1e308", {}, "x") == 1e308);
  CHECK(parse_number<int64_t>("9223372036854775807", {}, "x") == INT64_MAX);
  CHECK(parse_number<int64_t>("-9223372036854775808", {}, "x") == INT64_MIN);
  CHECK(parse_number<uint64_t>("18446744073709551615", {.at_least = 0}, "x") == UINT64_MAX);
  CHECK(parse_number<int>("007", {}, "x") == 7);
  for (const std::string text : {"", " ", " 1", "1 ", "+1", "0x10", "1x", "1,5", "one", "--1", "1e",
                                 "nan", "-nan", "inf", "-infinity", "1e309", "-1e999"}) {
    refuse<double>(text, {}, "a number");
    refuse<int64_t>(text, {}, "an integer");
  }
  CHECK_THROWS_AS(parse_number<double>(std::string("1\0", 2), {}, "x:"), ValueError);
  for (const std::string text : {"1.5", "1e3", "1.", "-0.0"}) refuse<int>(text, {}, "an integer");
}

TEST_CASE("numbers out of range are told the range", "[core]") {
  constexpr Range share{.at_least = 0, .below = 1};
  CHECK(parse_number<double>("0", share, "x") == 0);
  refuse<double>("1", share, "a number at least 0 and below 1");
  refuse<double>("-1e-9", share, "a number at least 0 and below 1");
  refuse<double>("0", {.above = 0}, "a number above 0");
  refuse<int>("3", {.at_least = 1, .at_most = 2}, "an integer at least 1 and at most 2");
  refuse<int64_t>("99999999999999999999", {.at_least = 1, .at_most = 1e9},
                  "an integer at least 1 and at most 1000000000");
  refuse<int64_t>("9223372036854775808", {.at_least = 1},
                  "an integer at least 1 (and at most 9223372036854775807)");
  refuse<uint64_t>("18446744073709551616", {}, "an integer (and at most 18446744073709551615)");
  refuse<uint64_t>("-1", {.at_least = 0}, "an integer at least 0");
  refuse<int>("2147483648", {}, "an integer (and at most 2147483647)");
}
