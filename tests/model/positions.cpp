#include <catch2/catch.hpp>

#include "proto/event.hpp"
#include "proto/site_text.hpp"

using namespace footfall;

TEST_CASE("positions read what they write", "[model][positions]") {
  std::vector<position> out;
  REQUIRE(parse_positions("3:42", out));
  REQUIRE(out.size() == 1);
  CHECK(out[0] == position{3, 42});
  REQUIRE(parse_positions("0:0,11:9223372036854775807", out));
  CHECK(to_string(out) == "0:0,11:9223372036854775807");
}

TEST_CASE("positions leave out what has nothing yet", "[model][positions]") {
  CHECK(to_string(std::vector<position>{{0, -1}, {2, 5}, {3, -1}}) == "2:5");
  CHECK(to_string(std::vector<position>{{0, -1}}).empty());
}

TEST_CASE("positions refuse anything else", "[model][positions]") {
  std::vector<position> out;
  const char* bad[] = {
      "",     "3",    "3:",   ":4",   "3:-1",    "-1:3", "a:1",          "1:a",
      "1:2,", ",1:2", "1:2 ", " 1:2", "1:2;3:4", "1 :2", "4294967296:1", "1:9223372036854775808",
      "1:+2"};
  for (auto text : bad) {
    INFO(text);
    CHECK_FALSE(parse_positions(text, out));
  }
  std::string many = "0:0";
  for (int i = 1; i < 64; ++i)
    many += ",0:0";
  CHECK(parse_positions(many, out));
  CHECK_FALSE(parse_positions(many + ",0:0", out));
}

TEST_CASE("a page of a site is one string, and its parts again", "[model]") {
  using namespace std::string_literals;
  const auto page = in_site("shop", "/a b");
  CHECK(page == "shop\0/a b"s);
  CHECK(split_site(page).site_id == "shop");
  CHECK(split_site(page).text == "/a b");
  CHECK(shown_in_site(page) == "shop /a b");
  CHECK(shown_in_site(in_site(default_site, "/a")) == "/a");
  CHECK(split_site(in_site("", "")).text.empty());
}
