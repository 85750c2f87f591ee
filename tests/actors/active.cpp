// Who is active: what partitions know, here and at other nodes, made one answer.
#include <catch2/catch.hpp>

#include "tests/actors/linked_fixture.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

/// "visitors/clicks: page visitors/clicks ..."
std::string text_of(const query_answer& x) {
  if (x.code != errc::none)
    return to_string(x.code);
  auto out = std::to_string(x.users) + '/' + std::to_string(x.clicks) + ':';
  for (const auto& row : x.rows)
    out += ' ' + row.name + ' ' + std::to_string(row.users) + '/' + std::to_string(row.clicks);
  return out + (x.more ? " more" : "");
}

/// As another producer does, by a key of its own.
void put_astray(memory_log& log, click_event event, uint32_t partition, int64_t at_us) {
  event.site_id = default_site;
  event.at_us = at_us;
  log.append({{partition, "k", model::encode_record(event, at_us)}}, [](auto) {});
}

struct active_fixture : node_fixture {
  explicit active_fixture(partition_config pattern = {}) : node_fixture({}, {}, pattern) {}
  query_answer active(const char* page = "") { return ask(about(query_kind::active, page)); }
  /// Until the window has nothing of before the start.
  void wait_for_a_window() { advance(std::chrono::seconds{model::active_visitors::window_s + 1}); }
};

struct small_fixture : active_fixture {
  static partition_config pattern() {
    partition_config out;
    out.active_entries_max = 4 * (8 + 1 + 1); // A page, a second and a user for each partition.
    return out;
  }
  small_fixture() : active_fixture(pattern()) {}
};

} // namespace

SCENARIO_METHOD(active_fixture, "users of all partitions count once", "[actor][active]") {
  CHECK(text_of(active()) == "0/0:");
  CHECK(active().since_us > time_us - 2'000'000);
  wait_for_a_window();
  post({click("1", "ada", "/1"), click("2", "ada", "/2"), click("3", "bob", "/2"),
        click("4", "ada", "/3"), click("5", "ada", "/3"), click("5", "ada", "/3")});
  advance(1s);
  const auto all = active();
  CHECK(text_of(all) == "2/5: /2 2/2 /3 1/2 /1 1/1"); // The id that came twice counts once.
  CHECK(all.source == answer_source::actor);
  CHECK(all.since_us == 0);
  CHECK(all.as_of_us == time_us);
  CHECK_FALSE(all.reached.empty());
  CHECK(text_of(active("/2")) == "2/2: /2 2/2");
  CHECK(text_of(active("/none")) == "0/0:");
  auto first = about(query_kind::active);
  first.limit = 1;
  CHECK(text_of(ask(first)) == "2/5: /2 2/2 more");
  first.site_id = "another";
  CHECK(text_of(ask(first)) == "0/0:");
  advance(295s);
  post({click("6", "eve", "/1")});
  advance(1s);
  CHECK(text_of(active()) == "3/6: /1 2/2 /2 2/2 /3 1/2");
  advance(10s);
  CHECK(text_of(active()) == "1/1: /1 1/1");
}

SCENARIO_METHOD(active_fixture, "one that began lately says since when", "[actor][active]") {
  wait_for_a_window();
  post({click("1", "ada", "/1")});
  advance(1s);
  auto told_since = [&] { return active().since_us; };
  WHEN("the node starts again") {
    restart_node();
    advance(1s);
    const auto began = told_since();
    CHECK(began > time_us - 2'000'000);
    CHECK(began <= time_us + 2'000'000);
    CHECK(text_of(active()) == "0/0:");
    post({click("2", "bob", "/1")});
    advance(298s);
    CHECK(text_of(active()) == "1/1: /1 1/1");
    CHECK(std::abs(told_since() - began) <= 1'000'000);
    advance(5s);
    CHECK(told_since() == 0);
  }
  WHEN("a partition ends by a fault") {
    kill("partition");
    advance(5s);
    CHECK(told_since() > 0);
  }
  WHEN("partitions claim again and nothing was missed") {
    events.fail_next(errc::store_unavailable);
    post({click("2", "bob", "/1")});
    advance(5s);
    CHECK(text_of(active()) == "2/2: /1 2/2");
    CHECK(told_since() == 0);
  }
  WHEN("an apply was done and nobody heard") {
    events.fail_next(errc::store_unavailable, true);
    post({click("2", "bob", "/1")});
    advance(5s);
    CHECK(told_since() > 0);
  }
}

SCENARIO_METHOD(small_fixture, "too many are refused, not guessed", "[actor][active]") {
  post({click("1", "ada", "/1")});
  advance(1s);
  CHECK(text_of(active()) == "1/1: /1 1/1");
  post({click("2", "bob", "/1")});
  advance(1s);
  const auto full = active();
  CHECK(full.code == errc::overloaded);
  CHECK(full.reason.find("has room for") != std::string::npos);
  advance(300s);
  CHECK(text_of(active()) == "0/0:");
}

SCENARIO_METHOD(linked_fixture, "nodes of a cluster make one answer", "[actor][active][links]") {
  const auto here = page_at(*door), there = page_at(*door_b);
  post_to(*door, {click("1", "ada", here), click("2", "ada", there), click("3", "bob", there)});
  advance(1s);
  for (auto* of : {door.get(), door_b.get()}) {
    const auto all = ask_of(*of, about(query_kind::active));
    CHECK(text_of(all) == "2/3: " + there + " 2/2 " + here + " 1/1");
    CHECK(all.as_of_us <= time_us);
    CHECK(all.as_of_us >= time_us - 2'000'000);
    CHECK(text_of(ask_of(*of, about(query_kind::active, there))) == "2/2: " + there + " 2/2");
    auto after = about(query_kind::active);
    after.after = {{home_of(there), 1}};
    CHECK(text_of(ask_of(*of, after)) == text_of(all));
    after.page_url = here; // Of one partition; the position is of another.
    CHECK(text_of(ask_of(*of, after)) == "1/1: " + here + " 1/1");
  }
  SECTION("what cannot be asked is said") {
    network.down = true;
    network.cut_all();
    settle();
    query_answer told;
    told.code = errc::internal;
    door->query(about(query_kind::active), [&](query_answer x) { told = std::move(x); });
    advance(4s);
    CHECK(told.code == errc::store_unavailable);
    CHECK(told.reason.find("does not say who is active") != std::string::npos);
    CHECK(text_of(ask_of(*door, about(query_kind::active, here))) == "1/1: " + here + " 1/1");
    network.down = false;
    advance(5s);
    CHECK(text_of(ask_of(*door, about(query_kind::active))).starts_with("2/3:"));
    CHECK(open_at_queries() == 0);
  }
  SECTION("a partition that moves says since when") {
    end_b();
    advance(10s);
    const auto all = ask_of(*door, about(query_kind::active));
    CHECK(text_of(all) == "1/1: " + here + " 1/1");
    CHECK(all.since_us > time_us - 11'000'000);
  }
}

SCENARIO_METHOD(linked_fixture, "many users come in several messages", "[actor][active][links]") {
  const auto there = page_at(*door_b);
  constexpr int users = 70'000; // More than one message may hold.
  for (int i = 0; i < users; i += 1000) {
    std::vector<click_event> batch;
    for (int j = i; j < i + 1000; ++j)
      batch.push_back(click("e" + std::to_string(j), "u" + std::to_string(j), there));
    REQUIRE(post_to(*door, std::move(batch)).results.size() == 1000);
    advance(100ms);
  }
  advance(1s);
  const auto all = ask_of(*door, about(query_kind::active));
  CHECK(all.users == users);
  CHECK(text_of(all) == text_of(ask_of(*door_b, about(query_kind::active))));
}

SCENARIO_METHOD(linked_fixture, "clicks that come through another node than their page's",
                "[actor][active][links]") {
  put_astray(log, click("1", "ada", page_at(*door)), home_of(page_at(*door_b)), time_us);
  advance(1s);
  const auto all = ask_of(*door, about(query_kind::active));
  CHECK(all.code == errc::store_unavailable);
  CHECK(all.reason.find("other partitions than those of their pages") != std::string::npos);
}

SCENARIO_METHOD(active_fixture, "clicks that come through another partition of the node",
                "[actor][active]") {
  post({click("1", "ada", "/p")});
  for (uint32_t i = 0; i < 4; ++i)
    put_astray(log, click("s" + std::to_string(i), "bob", "/p"), i, time_us);
  advance(1s);
  CHECK(text_of(active()) == "2/5: /p 2/5");
  wait_for_a_window();
  CHECK(active("/p").since_us == 0);
  WHEN("one was applied and nobody heard") {
    const auto home = model::partition_of(model::record_key(default_site, "/p"), 4);
    events.fail_next(errc::store_unavailable, true);
    put_astray(log, click("untold", "eve", "/p"), (home + 1) % 4, time_us);
    advance(5s);
    CHECK(active("/p").since_us > 0); // Of the page's own partition alone.
  }
}

SCENARIO_METHOD(active_fixture, "who asks too much waits", "[actor][active]") {
  int refused = 0, answered = 0;
  for (uint32_t limit = 1; limit <= 40; ++limit) {
    auto each = about(query_kind::active);
    each.limit = limit; // Else they are one.
    door->query(each, [&](const query_answer& x) {
      ++answered;
      refused += x.code == errc::overloaded ? 1 : 0;
    });
  }
  settle();
  CHECK(answered == 40);
  CHECK(refused == 24);
  CHECK(active().code == errc::none);
}

SCENARIO_METHOD(active_fixture, "a partition that is stopped is said at once", "[actor][active]") {
  const auto at = post({click("1", "ada", "/p")}).results.at(0).pos;
  advance(1s);
  log.make_anew("another");
  restart_node();
  advance(1s);
  const auto told = active();
  CHECK(told.code == errc::partition_stopped);
  CHECK(told.reason.find(" is stopped: ") != std::string::npos);
  CHECK(at.offset == 0);
}
