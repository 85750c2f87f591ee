#include "actors/model/generations.hpp"

#include <string>

#include <catch2/catch.hpp>

using namespace footfall::model;

TEST_CASE("a bounded map forgets what nobody asks for", "[model][generations]") {
  known_numbers known{100};
  auto text = [](int32_t i) { return "text " + std::to_string(i); };
  for (int32_t i = 1; i <= 1'000; ++i) {
    known.put(text(i), i);
    REQUIRE(known.size() <= 100);
    REQUIRE(known.find(text(1))); // Asked for again and again.
    CHECK(*known.find(text(1)) == 1);
  }
  for (int32_t i = 960; i <= 1'000; ++i) {
    REQUIRE(known.find(text(i)));
    CHECK(*known.find(text(i)) == i);
  }
  CHECK_FALSE(known.find(text(500)));
  known.put(text(1), 7);
  CHECK(*known.find(text(1)) == 7);
  known.clear();
  CHECK_FALSE(known.find(text(1)));
  CHECK(known.size() == 0);
}

TEST_CASE("a bounded map keeps texts of any length apart", "[model][generations]") {
  known_numbers known{1'000};
  for (int32_t i = 0; i < 40; ++i)
    known.put(std::string(static_cast<size_t>(i) * 5'000, 'x'), i + 1);
  known.put(std::string("\0a", 2), 100);
  known.put(std::string("\0b", 2), 101);
  for (int32_t i = 0; i < 40; ++i)
    CHECK(*known.find(std::string(static_cast<size_t>(i) * 5'000, 'x')) == i + 1);
  CHECK(*known.find(std::string("\0a", 2)) == 100);
  CHECK(*known.find(std::string("\0b", 2)) == 101);
}

TEST_CASE("a bounded map gives names by number", "[model][generations]") {
  generations<absl::flat_hash_map<int32_t, std::string>> known{4};
  for (int32_t i = 1; i <= 3; ++i)
    known.put(i, std::string(30, static_cast<char>('a' + i)));
  CHECK(*known.find(1) == std::string(30, 'b')); // It moved into the newest.
  known.put(4, "four");
  CHECK(*known.find(1) == std::string(30, 'b'));
  CHECK_FALSE(known.find(2));
}
