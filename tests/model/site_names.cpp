#include "actors/model/site_names.hpp"

#include <string>

#include <catch2/catch.hpp>

using namespace footfall::model;

TEST_CASE("a number has one name at each site", "[model][site_names]") {
  site_names known{100};
  known.of("north").put(1, "ann");
  CHECK_FALSE(known.of("south").find(1));
  known.of("south").put(1, "bob");
  REQUIRE(known.of("north").find(1));
  CHECK(*known.of("north").find(1) == "ann");
  CHECK(*known.of("south").find(1) == "bob");
  CHECK_FALSE(known.of("north").find(2));
  known.clear();
  CHECK_FALSE(known.of("north").find(1));
  known.of("south").put(1, "eve"); // The first site that is seen now is another one.
  CHECK_FALSE(known.of("north").find(1));
  CHECK(*known.of("south").find(1) == "eve");
}

TEST_CASE("names of many sites are bounded, and what is asked for stays", "[model][site_names]") {
  site_names known{100};
  const std::string kept = "kept";
  known.of(kept).put(1, kept);
  for (int32_t i = 0; i < 1'000; ++i) {
    const auto site = "site " + std::to_string(i);
    CHECK_FALSE(known.of(site).find(1));
    known.of(site).put(1, site);
    REQUIRE(known.of(site).find(1));
    CHECK(*known.of(site).find(1) == site);
    REQUIRE(known.of(kept).find(1));
    CHECK(*known.of(kept).find(1) == kept);
    REQUIRE(known.names_known() <= 100);
    REQUIRE(known.sites_known() <= 100);
  }
  for (int32_t i = 0; i < 900; ++i) // A site that comes again begins without names.
    CHECK_FALSE(known.of("site " + std::to_string(i)).find(1));
}

TEST_CASE("names of one site are bounded", "[model][site_names]") {
  site_names known{100};
  for (int32_t i = 1; i <= 1'000; ++i) {
    known.of("one").put(i, std::to_string(i));
    REQUIRE(known.names_known() <= 100);
  }
  CHECK(*known.of("one").find(1'000) == "1000");
  CHECK_FALSE(known.of("one").find(1));
}

TEST_CASE("a site without names takes no place", "[model][site_names]") {
  site_names known{100};
  known.of("north").put(1, "ann");
  for (int32_t i = 0; i < 1'000; ++i)
    CHECK_FALSE(known.of("site " + std::to_string(i)).find(1));
  CHECK(known.sites_known() == 1);
  REQUIRE(known.of("north").find(1));
  CHECK(*known.of("north").find(1) == "ann");
}
