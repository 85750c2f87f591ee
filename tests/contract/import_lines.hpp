#pragma once

#include <catch2/catch.hpp>

#include <string>

#include "app/import/log_parser.hpp"

namespace footfall::test {

inline constexpr const char* whole =
    R"(83.149.9.216 - - [17/May/2015:10:05:03 +0000] "GET /a/b.png?x=1 HTTP/1.1" 200 203023 )"
    R"x("http://x.example/" "Mozilla/5.0 (Macintosh)")x";

struct parsed {
  app::line_fate fate;
  click_event event;
  std::string why;
};

/// One line by itself, in a format and with rules.
inline parsed read_line(app::log_format format, const std::string& line,
                        const app::parse_rules& rules = {}, const std::string& above = "") {
  app::log_parser parser{format, rules};
  parsed out;
  if (!above.empty())
    REQUIRE(parser.read(above, out.event, out.why) == app::line_fate::directive);
  out.fate = parser.read(line, out.event, out.why);
  return out;
}

inline parsed read_access(const std::string& line, const app::parse_rules& rules = {}) {
  return read_line(app::log_format::access, line, rules);
}

inline std::string with_request(const std::string& request) {
  return "::1 - - [17/May/2015:10:05:03 +0000] " + request;
}

inline std::string with_start(const std::string& start) {
  return start + R"( [17/May/2015:10:05:03 +0000] "GET /p HTTP/1.1" 200 1)";
}

} // namespace footfall::test
