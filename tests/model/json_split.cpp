#include "actors/model/json_split.hpp"

#include <catch2/catch.hpp>

using namespace footfall::model;

TEST_CASE("an array is split at its commas", "[model][json_split]") {
  std::vector<std::string_view> out;
  REQUIRE(split_array(R"([1, {"a":[2,"],\"}"]} ,"x,y", tru ])", 9, out));
  CHECK(out == std::vector<std::string_view>{"1", R"({"a":[2,"],\"}"]})", R"("x,y")", "tru"});
  REQUIRE(split_array("[1,2,3]", 1, out));
  CHECK(out.size() == 2); // One more than asked for tells that there are too many.
  for (auto text : {"", "[", "[]", "[,]", "[1,]", "[1 2]", "[1]]", "[1]x", "[{]", "[{]}]", "[\"a]",
                    "{}", "[1", "[{} {}]", "[\"a\"b]", "[}"}) {
    INFO(text);
    CHECK_FALSE(split_array(text, 9, out));
  }
}

TEST_CASE("the end of an object is where its brackets close", "[model][json_split]") {
  CHECK(end_of_container(R"({"a":"}"}{)") == 9);
  CHECK(end_of_container("[[1],{}]") == 8);
  CHECK(end_of_container(R"({"a":"\\"}x)") == 10);
  for (auto text : {"", "1", "{", "{]", "}", "{\"}", "{\"\\"}) {
    INFO(text);
    CHECK(end_of_container(text) == std::string_view::npos);
  }
}
