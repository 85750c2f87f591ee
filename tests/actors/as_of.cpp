#include <map>
#include <random>

#include <catch2/catch.hpp>

#include "actors/model/record.hpp"
#include "tests/actors/asked.hpp"
#include "tests/support/seed.hpp"

using namespace footfall;
using namespace footfall::test;
using namespace std::chrono_literals;

namespace {

/// A node whose log and store answer when they are told to.
struct slow_fixture : node_fixture {
  slow_fixture() : node_fixture({"memory", true}, {.manual = true}) {}

  void release(size_t most = 100) {
    for (size_t i = 0; i < most; ++i) {
      settle();
      if (log.release(1) + events.release(1) == 0)
        break;
    }
    settle();
  }
};

} // namespace

SCENARIO_METHOD(node_fixture, "an answer says no more than it knows", "[actor][as_of]") {
  post({click("a"), click("b", "u1", "/q"), click("c", "u1", "/r")});
  advance(1s);
  for (const char* page : {"/p", "/q", "/r"})
    ask(count_of("u1", page)); // Cached from here on.
  GIVEN("a store that applies nothing any more") {
    events.refuse_applies = true;
    const auto arrival = time_us;
    REQUIRE(post({click("d")}).results.at(0).status == outcome::accepted);
    advance(40s);
    auto lacking = [&](const query_ask& what) {
      auto answer = ask(what);
      CHECK(answer.code == errc::none);
      CHECK(answer.as_of_us <= arrival);
      CHECK(answer.as_of_us > arrival - 2'000'000);
    };
    THEN("every answer that lacks the event says so") {
      lacking(count_of("u1"));
      lacking(count_of("u1"));
      lacking(count_of("nobody"));
      for (auto kind : {query_kind::page, query_kind::users, query_kind::page, query_kind::count})
        lacking(about(kind, "/p"));
      lacking(about(query_kind::top_pages));
      auto series = about(query_kind::series);
      series.from_us = time_us - 3'600'000'000;
      series.to_us = time_us;
      lacking(series);
      int64_t told = time_us;
      auto token = door->watch(default_site, "/p", [&](query_answer x) { told = x.as_of_us; });
      advance(2s);
      CHECK(told <= arrival);
    }
    THEN("the last hour ends now all the same") {
      time_us += 3'600'000'000;
      advance(1s);
      CHECK(ask(about(query_kind::page, "/p")).minutes.back() == 0);
    }
    THEN("a page of another partition is as fresh as ever") {
      CHECK(ask(about(query_kind::page, "/q")).as_of_us == time_us);
    }
    WHEN("the store applies again") {
      events.refuse_applies = false;
      advance(5s);
      THEN("answers have the event and are fresh") {
        auto answer = ask(about(query_kind::page, "/p"));
        CHECK(answer.clicks == 2);
        CHECK(answer.as_of_us == time_us);
        CHECK(ask(about(query_kind::top_pages)).as_of_us == time_us);
      }
    }
  }
}

SCENARIO_METHOD(node_fixture, "actors that begin again do not forget what waits",
                "[actor][as_of]") {
  post({click("a")});
  advance(1s);
  events.refuse_applies = true;
  const auto arrival = time_us;
  post({click("b")});
  advance(10s);
  kill("partition");
  kill("ingestion");
  advance(5s);
  CHECK(ask(about(query_kind::page, "/p")).as_of_us <= arrival);
}

SCENARIO_METHOD(node_fixture, "a node that begins does not say more than it has read",
                "[actor][as_of]") {
  post({click("a"), click("q", "u1", "/q")});
  advance(1s);
  const auto applied = time_us;
  events.refuse_applies = true;
  post({click("b")});
  const auto arrival = time_us;
  advance(10s);
  restart_node();
  advance(3s);
  GIVEN("a store that still applies nothing") {
    auto page = ask(about(query_kind::page, "/p"));
    CHECK(page.clicks == 1);
    CHECK(page.as_of_us <= arrival);
    CHECK(page.as_of_us >= applied - 2'000'000);
    CHECK(ask(about(query_kind::top_pages)).as_of_us <= arrival);
    CHECK(ask(about(query_kind::page, "/q")).as_of_us == time_us); // Nothing waits there.
    CHECK(door->metrics().find("footfall_partition_lag_seconds{partition=\"") != std::string::npos);
  }
  GIVEN("a store that applies again") {
    events.refuse_applies = false;
    advance(5s);
    CHECK(ask(about(query_kind::page, "/p")).clicks == 2);
    CHECK(ask(about(query_kind::page, "/p")).as_of_us == time_us);
  }
}

namespace {

/// A node that is not the only one that appends.
struct shared_log_fixture : node_fixture {
  shared_log_fixture() : node_fixture({}, {.overtaken_most = 5s}) {}

  /// As an append of the node that was acknowledged, or another producer's record.
  void append(const std::string& id, int64_t arrival_us) {
    auto event = click(id);
    event.site_id = default_site;
    event.at_us = arrival_us;
    log.append({{home, "k", model::encode_record(event, arrival_us)}}, [](auto) {});
    settle();
  }
  /// More than a partition has read while it applies nothing.
  void append_much() {
    log.append(std::vector<log_record>(10'001, {home, "k", "no event"}), [](auto) {});
    settle();
  }
  const uint32_t home =
      model::partition_of(model::record_key(default_site, "/p"), log.partitions());
};

} // namespace

SCENARIO_METHOD(shared_log_fixture, "a node that begins does not take what stands behind for newer",
                "[actor][as_of]") {
  const auto arrival = time_us; // It is slow to get into the log.
  advance(2s);
  append("others", time_us);
  GIVEN("a record of another producer that overtook it, and was applied") {
    advance(1s);
    events.refuse_applies = true;
  }
  GIVEN("such a record that waits") {
    events.refuse_applies = true;
    advance(1s);
  }
  append_much();
  append("slow", arrival);
  restart_node();
  advance(3s);
  const auto page = ask(about(query_kind::page, "/p"));
  CHECK(page.clicks < 2);
  CHECK(page.as_of_us <= arrival);
  CHECK(page.as_of_us >= arrival - 5'000'000);
  CHECK(ask(about(query_kind::top_pages)).as_of_us <= arrival);
  events.refuse_applies = false;
  advance(10s);
  CHECK(ask(about(query_kind::page, "/p")).clicks == 2);
  CHECK(ask(about(query_kind::page, "/p")).as_of_us == time_us);
}

SCENARIO_METHOD(node_fixture, "a stopped partition's time stands still", "[actor][as_of]") {
  post({click("a")});
  advance(1s);
  CHECK(ask(about(query_kind::page, "/p")).as_of_us == time_us);
  const auto arrival = time_us;
  events.fail_next(errc::store_unavailable, false);
  const auto lost = post({click("b")}).results.at(0).pos;
  log.applied(lost.partition, lost.offset + 1); // The log drops what was not applied.
  advance(5s);
  REQUIRE(counts.partitions_stopped == 1);
  const auto stopped = ask(about(query_kind::page, "/p")).as_of_us;
  CHECK(stopped <= arrival);
  advance(1min);
  CHECK(ask(about(query_kind::page, "/p")).as_of_us == stopped);
  CHECK(ask(about(query_kind::top_pages)).as_of_us == stopped);
}

SCENARIO_METHOD(node_fixture, "every new event is measured once, whatever its page does",
                "[actor][freshness]") {
  auto measured = [&] {
    uint64_t out = 0;
    for (size_t i = 0; i < duration_histogram::buckets; ++i)
      out += counts.freshness.in_bucket(i);
    return out;
  };
  post({click("a", "u1", "/new")});
  advance(1s);
  CHECK(measured() == 1);
  ask(about(query_kind::page, "/new"));
  post({click("a", "u1", "/new"), click("b", "u1", "/new"), click("c", "u2", "/other")});
  advance(1s);
  CHECK(measured() == 3); // Not the one that was there.
  CHECK(counts.freshness.sum_us() <= 3 * 50'000);
}

namespace {

/// Posts, asks, releases answers and moves the time at random, and holds every answer
/// against all that was acknowledged before it came.
class random_client {
public:
  random_client(slow_fixture& node, std::mt19937& random) : node_(node), random_(random) {}

  void step() {
    switch (upto(9)) {
    case 0:
    case 1: return post();
    case 2:
    case 3:
    case 4: return ask();
    case 5: return node_.advance(std::chrono::milliseconds{upto(300)});
    case 6: node_.events.refuse_applies = upto(2) == 0; return;
    case 7: return watch();
    default:
      node_.log.release(upto(2));
      node_.settle();
      node_.events.release(upto(2));
      node_.settle();
      node_.advance(std::chrono::milliseconds{upto(5)});
    }
  }

  /// Lets everything happen. @returns the clicks of all pages.
  uint64_t finish() {
    node_.events.refuse_applies = false;
    watches_.clear();
    for (int i = 0; i < 100; ++i) {
      node_.release();
      node_.advance(100ms);
    }
    uint64_t out = 0;
    for (const auto& page : pages_) {
      query_answer x;
      node_.door->query(about(query_kind::page, page), [&](query_answer y) { x = std::move(y); });
      node_.release();
      CHECK(x.as_of_us == node_.time_us);
      out += x.clicks;
    }
    return out;
  }

  size_t answers = 0, posted = 0;

private:
  size_t upto(size_t most) { return std::uniform_int_distribution<size_t>{0, most}(random_); }
  const std::string& any_page() { return pages_[upto(pages_.size() - 1)]; }

  void post() {
    const auto& page = any_page();
    std::vector<click_event> several(upto(2) + 1, node_.click("", "u1", page));
    posted += several.size();
    node_.door->ingest(several, [this, page, at = node_.time_us](ingest_reply reply) {
      for (const auto& x : reply.results)
        if (x.status == outcome::accepted)
          acknowledged_[page].push_back(at);
    });
    node_.settle(); // It arrives now; the log may take as long as it likes.
  }

  void ask() {
    constexpr query_kind kinds[] = {query_kind::count, query_kind::count, query_kind::page,
                                    query_kind::users, query_kind::top_pages};
    const auto kind = kinds[upto(4)];
    auto asked = about(kind, kind == query_kind::top_pages ? "" : any_page());
    if (kind == query_kind::count)
      asked.user_id = "u1";
    node_.door->query(asked, [this, asked](query_answer x) { take(asked, x); });
    node_.settle();
  }

  void watch() {
    if (watches_.size() == pages_.size())
      return;
    auto asked = about(query_kind::page, pages_[watches_.size()]);
    watches_.push_back(node_.door->watch(default_site, asked.page_url,
                                         [this, asked](query_answer x) { take(asked, x); }));
  }

  void take(const query_ask& asked, const query_answer& x) {
    if (x.code != errc::none)
      return;
    ++answers;
    std::map<std::string, uint64_t> clicks;
    for (const auto& row : x.rows)
      clicks[row.name] = row.clicks;
    if (asked.kind == query_kind::top_pages)
      for (const auto& page : pages_)
        check(page, clicks[page], x.as_of_us);
    else
      check(asked.page_url, asked.kind == query_kind::users ? clicks["u1"] : x.clicks, x.as_of_us);
  }

  void check(const std::string& page, uint64_t counted, int64_t as_of_us) {
    const auto& all = acknowledged_[page];
    if (counted < all.size())
      CHECK(as_of_us <= all[counted]);
  }

  slow_fixture& node_;
  std::mt19937& random_;
  const std::vector<std::string> pages_ = {"/p", "/q", "/r"};
  std::map<std::string, std::vector<int64_t>> acknowledged_; // Arrivals, in the log's order.
  std::vector<std::shared_ptr<void>> watches_;
};

} // namespace

// Every order of acknowledgements, applies, answers and questions: an acknowledged event
// that an answer lacks arrived no earlier than the answer's time.
TEST_CASE("as_of holds whatever comes first", "[actor][as_of]") {
  const auto seed = test::new_seed();
  INFO(test::repeated_by(seed));
  std::mt19937 random{seed};
  for (int round = 0; round < 12; ++round) {
    slow_fixture node;
    node.release();
    random_client client{node, random};
    for (int step = 0; step < 400; ++step)
      client.step();
    CHECK(client.finish() == client.posted);
    CHECK(client.answers > 20);
  }
}
