#include "actors/model/time_text.hpp"

#include <catch2/catch.hpp>

using namespace footfall::model;

namespace {

/// What the reference would print for a time that it read.
std::string echo(std::string_view text) {
  time_parts parts;
  return parse_rfc3339(text, parts) ? go_time_text(parts) : "refused";
}

} // namespace

TEST_CASE("time_text prints a time as the reference does", "[model][time_text]") {
  CHECK(echo("2025-11-05T20:00:00Z") == "2025-11-05T20:00:00Z");
  CHECK(echo("2025-11-05T20:00:00.123456789+05:30") == "2025-11-05T20:00:00.123456789+05:30");
  CHECK(echo("2025-11-05T20:00:00.500000Z") == "2025-11-05T20:00:00.5Z");
  CHECK(echo("2025-11-05T20:00:00+00:00") == "2025-11-05T20:00:00Z");
  CHECK(echo("2025-11-05T20:00:00-00:00") == "2025-11-05T20:00:00Z");
  CHECK(echo("2025-01-01T00:00:00-11:45") == "2025-01-01T00:00:00-11:45");
  CHECK(echo("9999-12-31T23:59:59Z") == "9999-12-31T23:59:59Z");
  CHECK(echo("2024-02-29T12:00:00.000000001Z") == "2024-02-29T12:00:00.000000001Z");
  CHECK(echo("1969-12-31T23:59:59.25+01:00") == "1969-12-31T23:59:59.25+01:00");
  CHECK(echo("0001-01-01T00:00:00Z") == "0001-01-01T00:00:00Z");
}

TEST_CASE("time_text reads all of RFC 3339", "[model][time_text]") {
  CHECK(echo("2025-11-05t20:00:00z") == "2025-11-05T20:00:00Z");
  CHECK(echo("2025-11-05t20:00:00.5+05:30") == "2025-11-05T20:00:00.5+05:30");
  CHECK(echo("2025-01-01T00:00:00.1234567890Z") == "2025-01-01T00:00:00.123456789Z");
  CHECK(echo("2025-01-01T00:00:00.9999999999999999999999Z") == "2025-01-01T00:00:00.999999999Z");
  CHECK(echo("2025-01-01T00:00:00.00000000001Z") == "2025-01-01T00:00:00Z");
  // A leap second stays in its minute.
  CHECK(echo("2016-12-31T23:59:60Z") == "2016-12-31T23:59:59Z");
  CHECK(echo("2015-06-30T23:59:60.25Z") == "2015-06-30T23:59:59.25Z");
  CHECK(echo("1990-12-31T15:59:60-08:00") == "1990-12-31T15:59:59-08:00");
  CHECK(echo("2017-01-01T05:29:60+05:30") == "2017-01-01T05:29:59+05:30");
  CHECK(echo("1968-12-31T23:59:60Z") == "1968-12-31T23:59:59Z");
}

TEST_CASE("time_text refuses what is not strictly RFC 3339", "[model][time_text]") {
  const char* bad[] = {"",
                       "yesterday",
                       "2025-11-05",
                       "2025-11-05T20:00:00",
                       "2025-11-05 20:00:00Z",
                       "2025-11-05T20:00:60Z",
                       "2016-12-30T23:59:60Z",
                       "2016-12-31T23:58:60Z",
                       "2016-12-31T23:59:60+01:00",
                       "2016-12-31T23:59:61Z",
                       "2025-04-31T00:00:00Z",
                       "2025-02-30T00:00:00Z",
                       "2023-02-29T00:00:00Z",
                       "1900-02-29T00:00:00Z",
                       "2025-13-01T00:00:00Z",
                       "2025-00-01T00:00:00Z",
                       "2025-01-00T00:00:00Z",
                       "2025-01-01T24:00:00Z",
                       "2025-01-01T00:60:00Z",
                       "2025-01-01T00:00:00.Z",
                       "2025-01-01T00:00:00,5Z",
                       "2025-01-01T00:00:00.1234567890",
                       "2025-01-01T00:00:00+24:00",
                       "2025-01-01T00:00:00+05:60",
                       "2025-01-01T00:00:00+0530",
                       "2025-01-01T00:00:00+05",
                       "2025-01-01T00:00:00ZZ",
                       "+025-01-01T00:00:00Z",
                       "2025-1-01T00:00:00Z",
                       "1762372800",
                       "2025-01-01T0:00:00Z",
                       "10000-01-01T00:00:00Z",
                       "2025-01-01T00:00:00Z "};
  for (auto text : bad) {
    INFO(text);
    CHECK(echo(text) == "refused");
  }
}

TEST_CASE("time_text finds the microsecond of a time", "[model][time_text]") {
  time_parts x;
  REQUIRE(parse_rfc3339("1970-01-01T00:00:00Z", x));
  CHECK(x.at_us == 0);
  REQUIRE(parse_rfc3339("2025-11-05T20:00:00.1234567+05:30", x));
  CHECK(x.at_us == 1'762'353'000'123'456);
  CHECK(x.nanos == 123'456'700);
  CHECK(x.offset_min == 330);
  CHECK_FALSE(x.is_zero);
  REQUIRE(parse_rfc3339("1969-12-31T23:59:59.5Z", x));
  CHECK(x.at_us == -500'000);
  REQUIRE(parse_rfc3339("0001-01-01T05:30:00+05:30", x));
  CHECK(x.is_zero);
  REQUIRE(parse_rfc3339("0001-01-01T00:00:00.000000001Z", x));
  CHECK_FALSE(x.is_zero);
}

TEST_CASE("utc_text writes as many decimals as needed", "[model][time_text]") {
  CHECK(utc_text(0) == "1970-01-01T00:00:00Z");
  CHECK(utc_text(1'762'372'800'000'000) == "2025-11-05T20:00:00Z");
  CHECK(utc_text(1'762'372'800'500'000) == "2025-11-05T20:00:00.500Z");
  CHECK(utc_text(1'762'372'800'000'001) == "2025-11-05T20:00:00.000001Z");
  CHECK(utc_text(-1) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("every day from 1600 to 2400 survives a round trip", "[model][time_text]") {
  const int64_t first = days_from_civil(1600, 1, 1);
  const int64_t last = days_from_civil(2400, 12, 31);
  CHECK(days_from_civil(1970, 1, 1) == 0);
  CHECK(last - first == 800 * 365 + 195 + 364); // 195 leap days from 1600 to 2399, 2400 at the end
  int64_t wrong = 0;
  for (int64_t day = first; day <= last; ++day) {
    time_parts x;
    if (!parse_rfc3339(utc_text(day * 86'400'000'000), x) || x.at_us != day * 86'400'000'000)
      ++wrong;
  }
  CHECK(wrong == 0);
}
