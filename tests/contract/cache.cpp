#include <catch2/catch.hpp>

#include "tests/contract/await.hpp"
#include "tests/contract/rigs.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

std::vector<cached_count> get(cache& x, std::vector<cache_ask> keys) {
  answer<std::vector<cached_count>> reply;
  x.get(std::move(keys), reply.callback());
  return reply.get();
}

cached_count one(cache& x, const cache_page& page, int32_t user_no) {
  return get(x, {{page, user_no}}).at(0);
}

const std::vector<position> here{{1, 7}, {3, 9}};

/// When the clock of a rig that has one stands still.
constexpr int64_t beginning_us = 1'700'000'000'000'000;

cache_fill value(const cache_page& page, uint64_t version, int32_t user_no, uint64_t clicks) {
  const auto at_us = beginning_us + static_cast<int64_t>(version);
  return {page, version, at_us, here, user_no, clicks, at_us};
}

cache_advance step(const cache_page& page, uint64_t from, uint64_t to,
                   std::vector<std::pair<int32_t, uint64_t>> changed) {
  return {page, from, to, beginning_us + static_cast<int64_t>(to), here, std::move(changed)};
}

const cache_page page{std::string{"default\0/a", 10}};

struct open_cache {
  explicit open_cache(cache_rig& rig) : rig_(rig), cache_(rig.open()) {}
  cache& operator*() { return *cache_; }
  void fill(std::vector<cache_fill> values) {
    cache_->fill(std::move(values));
    rig_.settle(*cache_);
  }
  void advance(std::vector<cache_advance> pages) {
    cache_->advance(std::move(pages));
    rig_.settle(*cache_);
  }
  cache_rig& rig_;
  std::unique_ptr<cache> cache_;
};

} // namespace

TEST_CASE("cache remembers what it was given", "[contract][cache]") {
  FOOTFALL_RIG(rig, cache_rigs);
  open_cache x{*rig};
  CHECK((*x).health().empty());
  CHECK_FALSE(one(*x, page, 1).hit);
  x.fill({value(page, 5, 1, 3), value(page, 5, 2, 0), value("other", 2, 1, 2)});
  const auto found = one(*x, page, 1);
  REQUIRE(found.hit);
  CHECK(found.clicks == 3);
  CHECK(found.version == 5);
  CHECK(found.as_of_us == beginning_us + 5);
  CHECK(found.reached == here);
  const auto many = get(*x, {{"other", 1}, {page, 2}, {page, 3}, {"missing", 1}});
  REQUIRE(many.size() == 4);
  CHECK(many[0].clicks == 2);
  CHECK(many[1].hit);
  CHECK(many[1].clicks == 0);
  CHECK_FALSE(many[2].hit);
  CHECK_FALSE(many[3].hit);
  CHECK(get(*x, {}).empty());
}

TEST_CASE("cache remembers what was read just now, however old its time", "[contract][cache]") {
  FOOTFALL_RIG(rig, cache_rigs);
  open_cache x{*rig};
  auto lagging = value(page, 5, 1, 3);
  lagging.as_of_us -= 30'000'000;
  lagging.read_us = beginning_us;
  x.fill({lagging});
  REQUIRE(one(*x, page, 1).hit);
  CHECK(one(*x, page, 1).as_of_us == lagging.as_of_us);
  x.advance({{page, 0, 5, 0, {}, {}}}); // A tombstone says only that older ones go.
  CHECK(one(*x, page, 1).as_of_us == lagging.as_of_us);
  x.advance({{page, 0, 6, 0, {}, {}}});
  CHECK_FALSE(one(*x, page, 1).hit);
}

TEST_CASE("cache never takes an older version", "[contract][cache]") {
  FOOTFALL_RIG(rig, cache_rigs);
  open_cache x{*rig};
  x.fill({value(page, 5, 1, 3)});
  x.fill({value(page, 4, 1, 2), value(page, 4, 2, 2)});
  CHECK(one(*x, page, 1).clicks == 3);
  CHECK(one(*x, page, 1).version == 5);
  CHECK_FALSE(one(*x, page, 2).hit);
  x.advance({step(page, 3, 4, {{1, 2}, {2, 1}})});
  CHECK(one(*x, page, 1).clicks == 3);
  CHECK_FALSE(one(*x, page, 2).hit);
}

TEST_CASE("cache forgets the counts of older versions", "[contract][cache]") {
  FOOTFALL_RIG(rig, cache_rigs);
  open_cache x{*rig};
  x.fill({value(page, 5, 1, 3), value(page, 5, 2, 1)});
  x.fill({value(page, 6, 1, 4)});
  CHECK(one(*x, page, 1).clicks == 4);
  CHECK(one(*x, page, 1).version == 6);
  CHECK_FALSE(one(*x, page, 2).hit);
}

TEST_CASE("cache goes along with a page that moves from where it is", "[contract][cache]") {
  FOOTFALL_RIG(rig, cache_rigs);
  open_cache x{*rig};
  x.fill({value(page, 5, 1, 3), value(page, 5, 2, 2)});
  x.advance({step(page, 5, 7, {{1, 5}})});
  CHECK(one(*x, page, 1).clicks == 5);
  CHECK(one(*x, page, 1).version == 7);
  const auto kept = one(*x, page, 2);
  REQUIRE(kept.hit);
  CHECK(kept.clicks == 2);
  CHECK(kept.version == 7);
  CHECK(kept.as_of_us == beginning_us + 7);
  // The same step again changes nothing.
  x.advance({step(page, 5, 7, {{1, 5}})});
  CHECK(one(*x, page, 1).clicks == 5);
  CHECK(one(*x, page, 2).clicks == 2);
}

TEST_CASE("cache drops what a page moved past", "[contract][cache]") {
  FOOTFALL_RIG(rig, cache_rigs);
  open_cache x{*rig};
  x.fill({value(page, 5, 1, 3), value(page, 5, 2, 2)});
  SECTION("a step from a version that was missed") {
    x.advance({step(page, 6, 7, {{1, 5}})});
    CHECK_FALSE(one(*x, page, 2).hit);
    if (const auto found = one(*x, page, 1); found.hit) {
      CHECK(found.clicks == 5);
      CHECK(found.version == 7);
    }
  }
  SECTION("a tombstone") {
    x.advance({step(page, 0, 7, {})});
    CHECK_FALSE(one(*x, page, 1).hit);
    CHECK_FALSE(one(*x, page, 2).hit);
  }
  // A fill that was read before the step comes late.
  x.fill({value(page, 6, 2, 2)});
  CHECK_FALSE(one(*x, page, 2).hit);
  x.fill({value(page, 7, 2, 2)});
  CHECK(one(*x, page, 2).version == 7);
}

TEST_CASE("cache answers with nothing older than it was given before the question",
          "[contract][cache]") {
  FOOTFALL_RIG(rig, cache_rigs);
  open_cache x{*rig};
  unsigned hits = 0, older = 0;
  for (uint64_t version = 1; version <= 2000; ++version) {
    if (version % 2 == 0) // Not settled: the question follows at once.
      (*x).fill({value(page, version, 1, version)});
    else
      (*x).advance({step(page, version - 1, version, {{1, version}})});
    const auto found = one(*x, page, 1);
    hits += found.hit;
    older += found.hit && found.clicks < version;
  }
  CHECK(hits > 1000);
  CHECK(older == 0);
}

TEST_CASE("cache refuses late fills of a page it first heard of by a step", "[contract][cache]") {
  FOOTFALL_RIG(rig, cache_rigs);
  open_cache x{*rig};
  const bool is_tombstone = GENERATE(false, true);
  if (is_tombstone)
    x.advance({step(page, 0, 4, {})});
  else
    x.advance({step(page, 3, 4, {{1, 2}})});
  x.fill({value(page, 3, 2, 1)});
  CHECK_FALSE(one(*x, page, 2).hit);
  x.fill({value(page, 4, 2, 1)});
  CHECK(one(*x, page, 2).hit);
}

TEST_CASE("cache keeps no counts of a page that nobody asked for", "[contract][cache]") {
  FOOTFALL_RIG(rig, cache_rigs);
  open_cache x{*rig};
  x.advance({step(page, 3, 4, {{1, 2}})});
  x.advance({step(page, 4, 5, {{1, 3}})});
  CHECK_FALSE(one(*x, page, 1).hit);
  x.fill({value(page, 5, 2, 1)});
  x.advance({step(page, 5, 6, {{1, 4}})});
  CHECK(one(*x, page, 1).clicks == 4);
  CHECK(one(*x, page, 2).clicks == 1);
}

TEST_CASE("cache forgets when it is told to", "[contract][cache]") {
  FOOTFALL_RIG(rig, cache_rigs);
  open_cache x{*rig};
  x.fill({value(page, 5, 1, 3), value("other", 1, 1, 1)});
  REQUIRE(one(*x, page, 1).hit);
  (*x).forget();
  CHECK_FALSE(one(*x, page, 1).hit);
  x.fill({value(page, 5, 1, 3)}); // Perhaps it was read before.
  CHECK_FALSE(one(*x, page, 1).hit);
  CHECK_FALSE(one(*x, "other", 1).hit);
  const auto second = rig->advance_time(1'000'000) ? int64_t{1'000'000} : 0;
  CHECK(eventually([&] {
    auto later = value(page, 6, 1, 4);
    later.as_of_us += second;
    later.read_us += second;
    x.fill({later});
    return one(*x, page, 1).clicks == 4;
  }));
}

TEST_CASE("cache takes nothing whose reading began long ago", "[contract][cache]") {
  FOOTFALL_RIG(rig, cache_rigs);
  open_cache x{*rig};
  auto late = value(page, 5, 1, 3);
  late.read_us -= 1'500'000;
  x.fill({late}); // What came since it was read may have been forgotten already.
  CHECK_FALSE(one(*x, page, 1).hit);
  late.read_us = beginning_us;
  x.fill({late});
  CHECK(one(*x, page, 1).hit);
}

TEST_CASE("cache forgets after the time to live", "[contract][cache]") {
  FOOTFALL_RIG(rig, cache_rigs);
  open_cache x{*rig};
  x.fill({value(page, 5, 1, 3)});
  if (!rig->advance_time(rig->ttl_us() - 1))
    return;
  CHECK(one(*x, page, 1).hit);
  rig->advance_time(1);
  CHECK_FALSE(one(*x, page, 1).hit);
  auto fresh = value(page, 5, 1, 3);
  x.fill({fresh}); // Read half a minute ago: what came since is forgotten too.
  CHECK_FALSE(one(*x, page, 1).hit);
  fresh.as_of_us += rig->ttl_us();
  fresh.read_us += rig->ttl_us();
  x.fill({fresh});
  CHECK(one(*x, page, 1).hit);
}
