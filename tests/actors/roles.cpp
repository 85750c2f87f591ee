// Nodes that do not do everything: who does what they leave out.
#include <catch2/catch.hpp>

#include "tests/actors/asked.hpp"
#include "tests/actors/linked_fixture.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

/// Node a has the roles that a test gives it, node b has all.
struct roles_fixture : linked_fixture {
  void begin(const char* roles) {
    plan.roles = roles;
    restart_node();
    advance(8s);
  }
  std::string fault_of(node& of, const std::string& role) {
    node_health found;
    of.health([&](node_health x) { found = std::move(x); });
    for (const auto& [name, state] : found.roles)
      if (name == role)
        return state;
    return "-";
  }
  bool is_ready(node& of) {
    node_health found;
    of.health([&](node_health x) { found = std::move(x); });
    return found.ready;
  }
  std::vector<click_event> many(size_t n, size_t bytes) {
    std::vector<click_event> out;
    for (size_t i = 0; i < n; ++i)
      out.push_back(click("e" + std::to_string(i), "u" + std::to_string(i % 7),
                          "/" + std::string(bytes, 'x') + std::to_string(i % 5)));
    return out;
  }
};

} // namespace

SCENARIO_METHOD(roles_fixture, "a gateway alone leaves all to others", "[actor][links]") {
  begin("gateway");
  CHECK(both_states() == "iiii/rrrr");
  CHECK(is_ready(*door));
  CHECK(fault_of(*door, "gateway") == "ok");
  CHECK(fault_of(*door, "ingest") == "-");
  std::vector<uint64_t> seen;
  const auto watch = door->watch(default_site, "/p", [&](const query_answer& x) {
    CHECK(x.code == errc::none);
    seen.push_back(x.clicks);
  });
  const auto posted = post_to(*door, {click("e1", "u1", "/p"), click("e2", "u2", "/q")});
  REQUIRE(posted.results.size() == 2);
  for (const auto& x : posted.results)
    CHECK(x.status == outcome::accepted);
  advance(1500ms);
  for (const auto& [kind, page, clicks] :
       {std::tuple{query_kind::page, "/p", 1u}, {query_kind::count, "/p", 1u}}) {
    auto asked = about(kind, page);
    asked.user_id = kind == query_kind::count ? "u1" : "";
    const auto answer = ask(asked);
    CHECK(answer.code == errc::none);
    CHECK(answer.clicks == clicks);
    CHECK(answer.node == "b");
    CHECK(answer.as_of_us > time_us - 1'000'000);
  }
  const auto top = ask(about(query_kind::top_pages));
  CHECK(top.rows.size() == 2);
  CHECK(top.as_of_us > time_us - 1'500'000);
  CHECK(ask(about(query_kind::users, "/p")).rows.size() == 1);
  CHECK(seen.back() == 1);
  auto after = about(query_kind::page, "/p");
  after.after = {posted.results[0].pos};
  CHECK(ask(after).clicks == 1);
  CHECK(counts.remote_events == 2);
  CHECK(counts.events_accepted == 2);
  CHECK(counts_b.events_accepted == 0); // Who answered the client counts it.
}

SCENARIO_METHOD(roles_fixture,
                "what is acknowledged elsewhere is in an answer or the answer is older",
                "[actor][links]") {
  begin("gateway,query");
  advance(1s);
  store_b.keeps_applied = true;
  const auto before = time_us;
  REQUIRE(post_to(*door, {click("e1", "u1", "/p")}).results[0].status == outcome::accepted);
  store_b.cut = true; // What was not applied stays so.
  advance(1s);
  for (const auto& asked : {about(query_kind::page, "/p"), about(query_kind::top_pages)}) {
    const auto answer = ask(asked);
    if (answer.code == errc::none)
      CHECK((answer.clicks + answer.rows.size() > 0 || answer.as_of_us <= before));
  }
}

SCENARIO_METHOD(roles_fixture, "a big request goes in pieces", "[actor][links]") {
  begin("gateway,query");
  size_t messages = 0, most = 0, events = 0;
  network.seen = [&](const std::string&, const std::string&, const caf::strong_actor_ptr&,
                     const caf::message& x) {
    if (x.size() != 2 || !x.match_element<std::vector<ingest_ask>>(1))
      return;
    ++messages;
    size_t bytes = 0;
    for (const auto& ask : x.get_as<std::vector<ingest_ask>>(1))
      for (const auto& event : ask.events) {
        bytes += event.page_url.size() + event.user_id.size() + event.event_id.size();
        ++events;
      }
    most = std::max(most, bytes);
  };
  auto big = many(1000, 1'000);
  big[500].user_id.clear(); // Refused, and in its place.
  const auto posted = post_to(*door, big);
  REQUIRE(posted.results.size() == 1000);
  for (size_t i = 0; i < 1000; ++i) {
    CHECK((posted.results[i].status == outcome::accepted) == (i != 500));
    if (i != 500)
      CHECK(posted.results[i].event_id == big[i].event_id);
  }
  CHECK(posted.results[500].reason.find("user_id") != std::string::npos);
  CHECK(events == 1000);
  CHECK(messages >= 4);
  CHECK(most <= 256 << 10);
  advance(2s);
  auto top = about(query_kind::top_pages);
  uint64_t clicks = 0;
  for (const auto& row : ask(top).rows)
    clicks += row.clicks;
  CHECK(clicks == 999);
}

SCENARIO_METHOD(roles_fixture, "without a link a gateway says what it lacks", "[actor][links]") {
  begin("gateway");
  network.down = true;
  network.cut_all();
  settle();
  CHECK_FALSE(is_ready(*door));
  CHECK(fault_of(*door, "gateway") == "there is no link to a node with the role ingest");
  ingest_reply posted;
  query_answer answer;
  bool is_answered = false;
  door->ingest({click("e1", "u1", "/p")}, [&](ingest_reply x) { posted = std::move(x); });
  door->query(about(query_kind::page, "/p"), [&](query_answer x) {
    answer = std::move(x);
    is_answered = true;
  });
  settle();
  WHEN("there is none for long") {
    advance(1s);
    REQUIRE(posted.results.size() == 1);
    CHECK(posted.results[0].status == outcome::rejected);
    CHECK(posted.results[0].reason
          == "there is no link to a node with the role ingest; nothing was stored; send it again");
    CHECK(posted.results[0].retry_after_s == 1);
    REQUIRE(is_answered);
    CHECK(answer.code == errc::restarting);
    CHECK(answer.reason == "there is no link to a node with the role query; ask again");
  }
  WHEN("there is one again at once") {
    network.down = false;
    advance(2s);
    if (posted.results[0].status == outcome::rejected)
      CHECK(post_to(*door, {click("e1", "u1", "/p")}).results[0].status == outcome::accepted);
    CHECK(is_ready(*door));
    advance(1s);
    CHECK(ask(about(query_kind::page, "/p")).clicks == 1);
  }
}

SCENARIO_METHOD(roles_fixture, "events on their way to a node that is lost are sent to nobody else",
                "[actor][links]") {
  begin("gateway,query");
  size_t messages = 0;
  network.seen = [&](const std::string&, const std::string&, const caf::strong_actor_ptr&,
                     const caf::message& x) {
    messages += x.size() == 2 && x.match_element<std::vector<ingest_ask>>(1) ? 1 : 0;
  };
  const auto link = network.all_links().at(0);
  network.lose(link);
  ingest_reply posted;
  door->ingest({click("e1", "u1", "/p")}, [&](ingest_reply x) { posted = std::move(x); });
  settle();
  CHECK(posted.results.empty());
  const auto arrived = time_us;
  advance(100ms);
  CHECK(ask(about(query_kind::top_pages)).as_of_us <= arrived); // It may be in the log.
  network.cut(link);
  settle();
  REQUIRE(posted.results.size() == 1);
  CHECK(posted.results[0].status == outcome::unknown);
  CHECK(
      posted.results[0].reason
      == "the node that took it was lost; it may be stored; send it again with the same event_id");
  advance(3s);
  CHECK(messages == 1);
  CHECK(counts.remote_events_lost == 1);
  CHECK(ask(about(query_kind::top_pages)).as_of_us > arrived);
}

SCENARIO_METHOD(roles_fixture, "who counts without answering is asked nothing", "[actor][links]") {
  plan_b.roles = "ingest,aggregate";
  end_b();
  start_b();
  begin("gateway,query");
  CHECK(both_states() == "iiii/rrrr");
  REQUIRE(post_to(*door, {click("e1", "u1", "/p")}).results[0].status == outcome::accepted);
  advance(1s);
  const auto answer = ask(about(query_kind::page, "/p"));
  CHECK(answer.clicks == 1);
  CHECK(answer.source == answer_source::store);
  CHECK(answer.node == "a");
  CHECK(fault_of(*door_b, "gateway") == "-");
  CHECK(is_ready(*door_b));
}
