// What the nodes of a cluster hear of each other's partitions: clicks of pages that live
// elsewhere, and stops.
#include <catch2/catch.hpp>

#include "actors/model/record.hpp"
#include "tests/actors/cluster_fixture.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

/// Knows a page that lives at node a, and a partition of node b.
struct told_fixture : cluster_fixture {
  told_fixture() {
    home = static_cast<uint32_t>(states(*door).find('r'));
    elsewhere = static_cast<uint32_t>(states(*door_b).find('r'));
    page = page_of(home);
    REQUIRE(post_to(*door, {click("e1", "u1", page)}).results.at(0).status == outcome::accepted);
    advance(1s);
    for (int i = 0; i < 3; ++i)
      ask_of(*door, count_of("u1", page));
    REQUIRE(ask_of(*door, count_of("u1", page)).source == answer_source::cache);
    whole(*door); // Loads it.
    REQUIRE(whole(*door).source == answer_source::actor);
  }

  static std::string page_of(uint32_t partition) {
    for (int i = 0;; ++i)
      if (auto out = "/" + std::to_string(i);
          model::partition_of(model::record_key(default_site, out), partitions) == partition)
        return out;
  }
  /// Another producer puts a click of the page into a partition of node b.
  void stray(const std::string& id) {
    auto foreign = click(id, "u1", page);
    foreign.site_id = default_site;
    foreign.at_us = time_us;
    log.append({{elsewhere, "k", model::encode_record(foreign, time_us)}}, [](auto) {});
    settle();
  }
  query_answer whole(node& of) {
    auto out = count_of("", page);
    out.kind = query_kind::page;
    return ask_of(of, out);
  }
  uint64_t count_at(node& of) { return ask_of(of, count_of("u1", page)).clicks; }
  partition_row row_at(node& of, uint32_t partition) {
    partition_row out;
    of.partitions([&](partitions_reply x) { out = x.rows.at(partition); });
    settle();
    return out;
  }
  /// A record of b's partition is gone before it was applied.
  void lose_one() {
    store_b.cut = true;
    REQUIRE(post_to(*door, {click("lost", "u1", page_of(elsewhere))}).results.at(0).status
            == outcome::accepted);
    advance(100ms);
    log.lose(elsewhere, 1);
    store_b.cut = false;
    advance(2s);
  }
  event_result post_elsewhere(node& to, const std::string& id) {
    return post_to(to, {click(id, "u1", page_of(elsewhere))}).results.at(0);
  }

  uint32_t home = 0, elsewhere = 0;
  std::string page;
};

} // namespace

SCENARIO_METHOD(told_fixture, "a page has the clicks that another node applied of it",
                "[actor][cluster][strays]") {
  stray("e2");
  advance(1s);
  for (auto* of : {door.get(), door_b.get()}) {
    CHECK(count_at(*of) == 2);
    CHECK(whole(*of).clicks == 2);
  }
  CHECK(whole(*door).source == answer_source::store);
  AND_WHEN("more pages are asked for than the store is to read at once") {
    events.hold_loads(true);
    std::vector<errc> told;
    for (int i = 0; i < 80; ++i)
      door->query(about(query_kind::page, "/many" + std::to_string(i)),
                  [&](const query_answer& x) { told.push_back(x.code); });
    settle();
    CHECK(told == std::vector<errc>(16, errc::overloaded));
    events.hold_loads(false);
    settle();
    CHECK(told.size() == 80);
    CHECK(std::count(told.begin(), told.end(), errc::none) == 64);
    CHECK(whole(*door).clicks == 2);
  }
  AND_WHEN("it goes on") {
    const auto loaded = counts.pages_loaded.load();
    for (int i = 0; i < 20; ++i) {
      stray("s" + std::to_string(i));
      post_to(*door, {click("o" + std::to_string(i), "u2", page)});
      advance(1s);
      REQUIRE(count_at(*door) == 3u + i);
      REQUIRE(whole(*door).clicks == 4u + 2 * i);
    }
    CHECK(counts.pages_loaded == loaded); // Each would be dropped with the next beat.
  }
  AND_WHEN("no more come for a while") {
    for (int i = 0; i < 6; ++i) { // Answers of the store come into the cache meanwhile.
      advance(1s);
      count_at(*door);
    }
    stray("e3");
    for (int i = 0; i < 14; ++i) {
      advance(1s);
      REQUIRE(count_at(*door) == 3);
    }
    THEN("memory is believed again") {
      CHECK(whole(*door).clicks == 3);
      CHECK(whole(*door).source != answer_source::store);
      CHECK(whole(*door).source == answer_source::actor);
      post_to(*door_b, {click("e4", "u1", page)});
      advance(1s);
      CHECK(count_at(*door) == 4);
      CHECK(whole(*door).clicks == 4);
      stray("e5");
      advance(1s);
      CHECK(count_at(*door) == 5);
    }
  }
}

SCENARIO_METHOD(told_fixture, "a node whose log has grown believes no memory",
                "[actor][cluster][strays]") {
  log.add_partition();
  for (int i = 0; i < 5; ++i)
    door->look();
  advance(15s);
  CHECK(whole(*door).source == answer_source::store);
  CHECK(count_at(*door) == 1);
}

SCENARIO_METHOD(told_fixture, "posts to a partition that is stopped at another node are refused",
                "[actor][cluster][stopped]") {
  lose_one();
  REQUIRE(row_at(*door_b, elsewhere).state == "stopped");
  const auto here = row_at(*door, elsewhere);
  CHECK(here.state == "stopped");
  CHECK(here.stopped == stop_kind::records_lost);
  CHECK(here.why.find("node b") != std::string::npos);
  const auto refused = post_elsewhere(*door, "x1");
  CHECK(refused.code == errc::partition_stopped);
  CHECK(refused.reason.find(row_at(*door_b, elsewhere).why) != std::string::npos);
  partition_reply told;
  door->skip(elsewhere, 1, [&](partition_reply x) { told = std::move(x); });
  settle();
  CHECK(told.code == errc::not_found);
  CHECK(told.reason.find("ask node b") != std::string::npos);
  WHEN("it goes on") {
    door_b->skip(elsewhere, 1, [&](partition_reply x) { told = std::move(x); });
    advance(2s);
    CHECK(told.code == errc::none);
    THEN("posts are taken again") {
      CHECK(row_at(*door, elsewhere).state == "idle");
      CHECK(post_elsewhere(*door, "x1").status == outcome::accepted);
      CHECK(rows.marks[elsewhere].stopped == stop_kind::none);
    }
  }
  WHEN("the node that has it dies") {
    end_b();
    advance(8s);
    THEN("the next one has it stopped, and can let it go on") {
      CHECK(row_at(*door, elsewhere).state == "stopped");
      CHECK(post_elsewhere(*door, "x1").code == errc::partition_stopped);
      door->skip(elsewhere, 1, [&](partition_reply x) { told = std::move(x); });
      advance(2s);
      CHECK(told.code == errc::none);
      CHECK(post_elsewhere(*door, "x2").status == outcome::accepted);
    }
  }
  WHEN("the node that has it cannot reach the store") {
    store_b.cut = true;
    advance(5s);
    CHECK(row_at(*door_b, elsewhere).state == "stopped");
    CHECK(post_elsewhere(*door_b, "x1").code == errc::partition_stopped);
    CHECK(post_elsewhere(*door, "x1").code == errc::partition_stopped);
  }
  WHEN("it cannot be noted at first") {
    rows.marks.clear();
    kill("partition");
    store_b.cut = true;
    advance(300ms);
    store_b.cut = false;
    advance(6s);
    THEN("it is noted later") {
      CHECK(rows.marks[elsewhere].stopped == stop_kind::records_lost);
    }
  }
}
