// Lines that are easily taken for something else.
#include <catch2/catch.hpp>

#include "tests/contract/import_lines.hpp"

using namespace footfall;
using namespace footfall::app;
using namespace footfall::test;
using Catch::Matchers::Contains;

TEST_CASE("an agent ends at its own quote", "[contract][import]") {
  parse_rules rules;
  rules.skip_bots = true;
  auto fate = [&](const std::string& rest) {
    return read_access(with_request(R"("GET /p HTTP/1.1" 200 1 "-" )" + rest), rules).fate;
  };
  CHECK(fate(R"("Firefox" "bot.example" "python")") == line_fate::event);
  CHECK(fate(R"("Firefox" 0.1 "Googlebot)") == line_fate::event);
  CHECK(fate(R"("a \"bot\" agent" "-")") == line_fate::bot);
  CHECK(fate(R"("Googlebot/2.1" "-")") == line_fate::bot);
  CHECK(fate(R"("" "Googlebot/2.1")") == line_fate::event);
}
