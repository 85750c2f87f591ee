#include <catch2/catch.hpp>

#include "actors/model/owner_directory.hpp"

using namespace footfall;
using namespace footfall::model;

namespace {

const owner_id a{"a", 1}, b{"b", 2}, nobody;
constexpr int64_t second = 1'000'000;

} // namespace

TEST_CASE("a directory knows what the store says", "[model]") {
  owner_directory x;
  CHECK(x.owner_of(0).nobody());
  CHECK(x.size() == 0);
  x.take({{0, a, 3}, {1, nobody, 4}, {2, b, 1}}, second);
  CHECK(x.size() == 3);
  CHECK(x.owner_of(0) == a);
  CHECK(x.owner_of(1).nobody());
  CHECK(x.owner_of(2) == b);
  CHECK(x.owner_of(7).nobody());
}

TEST_CASE("news of other nodes count until a beat has them", "[model]") {
  owner_directory x;
  x.take({{0, a, 3}}, second);
  CHECK_FALSE(x.tell({0, b, 3}, second)); // Not later than what is known.
  CHECK_FALSE(x.tell({0, b, 2}, second));
  CHECK(x.tell({0, nobody, 4}, second));
  CHECK(x.owner_of(0).nobody());
  x.take({{0, a, 3}}, 2 * second); // Sent before.
  CHECK(x.owner_of(0).nobody());
  CHECK(x.tell({0, b, 5}, 2 * second));
  x.take({{0, b, 5}}, 3 * second);
  CHECK(x.owner_of(0) == b);

  SECTION("a store that went back is believed once the news are old") {
    x.tell({0, a, 9}, 3 * second);
    x.take({{0, b, 2}}, 3 * second + owner_directory::told_us - 1);
    CHECK(x.owner_of(0) == a);
    x.take({{0, b, 2}}, 3 * second + owner_directory::told_us);
    CHECK(x.owner_of(0) == b);
  }
  SECTION("what a beat has shown is no news any more") {
    x.take({{0, a, 1}}, 3 * second + 1);
    CHECK(x.owner_of(0) == a);
  }
}

TEST_CASE("a directory does not grow without bound", "[model]") {
  owner_directory x;
  CHECK_FALSE(x.tell({owner_directory::most, a, 1}, second));
  CHECK(x.tell({owner_directory::most - 1, a, 1}, second));
  x.take({{owner_directory::most, a, 1}}, second);
  CHECK(x.size() == owner_directory::most);
}
