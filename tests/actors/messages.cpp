#include <catch2/catch.hpp>

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include "actors/messages.hpp"
#include "tests/support/deterministic.hpp"

using namespace footfall;

namespace {

// Through bytes and back, as between two nodes.
template <class T>
T round_trip(caf::actor_system& system, T x) {
  std::vector<char> bytes;
  caf::binary_serializer sink{system, bytes};
  auto message = caf::make_message(std::move(x));
  REQUIRE_FALSE(sink(message));
  caf::message back;
  caf::binary_deserializer source{system, bytes};
  REQUIRE_FALSE(source(back));
  REQUIRE(back.match_elements<T>());
  return back.get_as<T>(0);
}

} // namespace

TEST_CASE("every value that actors exchange survives the wire", "[actor][messages]") {
  test::test_system_config config;
  caf::actor_system system{config};
  ingest_answer answer;
  answer.ticket = 7;
  answer.results.resize(2);
  answer.results[1] = {outcome::accepted, errc::none, "id", 5, {3, 9}, "why"};
  auto answers = round_trip(system, std::vector<ingest_answer>{answer});
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].results.at(1).status == outcome::accepted);
  CHECK(answers[0].results[1].pos == position{3, 9});
  CHECK(answers[0].results[0].status == outcome::unknown);

  query_answer counts;
  counts.code = errc::timeout;
  counts.source = answer_source::cache;
  counts.rows = {{"a", 1, 2}};
  counts.points = {{60, 4}};
  auto back = round_trip(system, std::vector<query_answer>{counts}).at(0);
  CHECK(back.code == errc::timeout);
  CHECK(back.source == answer_source::cache);
  CHECK(back.rows.at(0).users == 2);
  CHECK(back.points.at(0).clicks == 4);

  page_delta delta;
  delta.page = std::string("s\0/p", 4);
  delta.clicks = {{1, 2, 3}};
  CHECK(round_trip(system, delta).clicks.at(0).at_us == 3);

  log_batch batch;
  batch.entries.push_back({5, 6, record_format::json, "{}"});
  CHECK(round_trip(system, batch).entries.at(0).format == record_format::json);

  page_load load;
  load.user_clicks = {{1, 2}};
  load.minutes = {{3, 4}};
  CHECK(round_trip(system, load).minutes.at(0).second == 4);

  store_answer read;
  read.counts = {{1, 2, 3, 4}};
  read.names = {"x"};
  CHECK(round_trip(system, read).counts.at(0).version == 4);

  std::vector<cache_advance> moved{{"p", 1, 2, 3, {{0, 1}}, {{5, 6}}}};
  CHECK(round_trip(system, moved).at(0).changed.at(0).second == 6);
}

TEST_CASE("what is asked of nodes survives the wire", "[actor][messages]") {
  test::test_system_config config;
  caf::actor_system system{config};
  query_ask ask;
  ask.kind = query_kind::series;
  ask.step = series_step::day;
  ask.after = {{1, 2}};
  ask.page_url = "/p";
  ask.trace = {1, 2, 3, true};
  auto asks = round_trip(system, std::vector<query_ask>{ask});
  CHECK(asks.at(0).kind == query_kind::series);
  CHECK(asks[0].step == series_step::day);
  CHECK(asks[0].after.at(0) == position{1, 2});
  CHECK(to_string(asks[0].trace) == to_string(ask.trace));

  const std::vector<ingest_ask> events{{7, {{"s", "id", "ada", "click", "/p"}}, {4, 5, 6, true}}};
  const auto given = round_trip(system, events).at(0);
  CHECK(given.events.at(0).user_id == "ada");
  CHECK(to_string(given.trace) == to_string(events[0].trace));
}

TEST_CASE("what a re-drive exchanges survives the wire", "[actor][messages]") {
  test::test_system_config config;
  caf::actor_system system{config};
  bad_event_page page;
  page.rows = {{{1, 2}, 3, "no event", std::string("\0raw", 4), {4, 5}}};
  auto same = round_trip(system, page).rows.at(0);
  CHECK(same.raw == page.rows[0].raw);
  CHECK(same.redriven == position{4, 5});

  const event_result taken{outcome::accepted, errc::none, "id", 5, {3, 9}, "why"};
  redrive_reply driven;
  driven.code = errc::timeout;
  driven.results = {{{1, 2}, taken}};
  auto results = round_trip(system, driven);
  CHECK(results.code == errc::timeout);
  CHECK(results.results.at(0).result.pos == position{3, 9});
  CHECK(round_trip(system, redrive_ask{{{6, 7}}, {8, 9}, 10}).positions.at(0) == position{6, 7});
}

TEST_CASE("what the inspector tells survives the wire", "[actor][messages]") {
  test::test_system_config config;
  caf::actor_system system{config};
  actors_reply list{errc::timeout, "late", {}, 3, {{"a", "away"}}};
  list.rows.resize(2);
  list.rows[1].name = "gateway";
  CHECK(round_trip(system, list).code == errc::timeout);
  CHECK(round_trip(system, list).rows.at(1).name == "gateway");
  CHECK(round_trip(system, list).nodes.at(0).fault == "away");
  CHECK(round_trip(system, list).total == 3);
  actors_ask ask;
  ask.order = actor_order::rate;
  ask.tree = true;
  CHECK(round_trip(system, ask).order == actor_order::rate);
  CHECK(round_trip(system, ask).tree);
  actor_detail detail;
  detail.code = errc::not_found;
  detail.reason = "gone";
  detail.fields = {{"a", "1"}};
  CHECK(round_trip(system, detail).code == errc::not_found);
  CHECK(round_trip(system, detail).reason == "gone");
  CHECK(round_trip(system, detail).fields.at(0).value == "1");
}

TEST_CASE("what nodes tell gateways survives the wire", "[actor][messages]") {
  test::test_system_config config;
  caf::actor_system system{config};
  cluster_news news;
  news.seen.nodes.push_back(
      {{"n1", 7}, sight::late, false, true, log_reach::fails, 9, "query", "10.0.0.1:9", "1.0"});
  news.seen.partitions = {{0, {"n1", 7}, 3}};
  news.homes = 4;
  news.next_offsets = {5, 6};
  const auto told = round_trip(system, news);
  CHECK(told.seen.nodes.at(0).seen == sight::late);
  CHECK(told.seen.nodes[0].address == "10.0.0.1:9");
  CHECK(told.seen.partitions.at(0).owner.node == "n1");
  CHECK(told.homes == 4);
  CHECK(told.next_offsets == std::vector<int64_t>{5, 6});

  access_rows rows;
  rows.revision = 8;
  rows.sites = {{"shop", 1}};
  rows.keys.push_back({"7nq2m8xa", {1, 2, 3}, access_role::admin, "*", "root", 1, 2, 3, 4, 5});
  rows.users.push_back({"ada", "", access_role::read, "shop", 6});
  rows.sessions.push_back({"abc", "ada", 7, 8});
  const auto back = round_trip(system, rows);
  CHECK(back.revision == 8);
  CHECK(back.sites == rows.sites);
  CHECK(back.keys == rows.keys);
  CHECK(back.users == rows.users);
  CHECK(back.sessions == rows.sessions);

  const auto part = round_trip(system, access_part{rows, 3, false});
  CHECK(part.rows.keys == rows.keys);
  CHECK(part.number == 3);
  CHECK_FALSE(part.is_last);
  const auto taken = round_trip(system, access_part_taken{8, 3});
  CHECK(taken.revision == 8);
  CHECK(taken.number == 3);

  access_told said{4, access_refusal(errc::overloaded, "wait")};
  said.reply.retry_after_s = 3;
  said.reply.refused = true;
  said.with_rows = true;
  said.reply.text = "secret";
  said.reply.key = rows.keys[0];
  const auto heard = round_trip(system, said);
  CHECK(heard.number == 4);
  CHECK(heard.reply.code == errc::overloaded);
  CHECK(heard.reply.retry_after_s == 3);
  CHECK(heard.reply.refused);
  CHECK(heard.with_rows);
  CHECK(heard.reply.text == "secret");
  CHECK(heard.reply.key == rows.keys[0]);
}

TEST_CASE("each question of a desk survives the wire", "[actor][messages]") {
  test::test_system_config config;
  caf::actor_system system{config};
  using namespace access_ask;
  const any_access_ask all[] = {
      everything{},
      add_site{"shop"},
      add_key{access_role::ingest, "shop", "till", 20, 30},
      revoke_key{"7nq2m8xa"},
      add_user{"ada", "secret", access_role::admin, "*"},
      set_password{"ada", "other"},
      remove_user{"ada"},
      sign_in{"ada", "secret", "10.0.0.1"},
      sign_out{"abc", "10.0.0.1"},
      note_used{{{"7nq2m8xa", 20'000}}},
  };
  CHECK(std::size(all) == std::variant_size_v<any_access_ask>);
  for (const auto& what : all) {
    const auto back = round_trip(system, access_call{5, what});
    CHECK(back.number == 5);
    REQUIRE(back.what.index() == what.index());
    const auto a = flatten(what), b = flatten(back.what);
    CHECK(
        std::tie(a.kind, a.role, a.site, a.name, a.secret, a.from, a.rate, a.count_of_days, a.days)
        == std::tie(b.kind, b.role, b.site, b.name, b.secret, b.from, b.rate, b.count_of_days,
                    b.days));
  }
  flat_access_ask none;
  none.kind = std::size(all);
  any_access_ask out;
  CHECK(unflatten(none, out));
}

TEST_CASE("rows are cut into parts, and put together again", "[actor][messages]") {
  access_rows rows;
  rows.revision = 8;
  CHECK(parts_of(rows, 1'000).size() == 1); // Also when there is nothing.
  rows.sites = {{"shop", 1}};
  for (int i = 0; i < 20; ++i)
    rows.users.push_back({"u" + std::to_string(i), "", access_role::read, "shop", i});
  rows.users[3].name = std::string(5'000, 'x'); // Longer than a part.
  rows.sessions.push_back({"abc", "u1", 7, 8});
  const auto parts = parts_of(rows, 500);
  CHECK(parts.size() > 4);
  access_rows whole;
  for (size_t i = 0; i < parts.size(); ++i) {
    CHECK(parts[i].number == i);
    CHECK(parts[i].is_last == (i + 1 == parts.size()));
    CHECK(parts[i].rows.revision == 8);
    auto copy = parts[i].rows;
    append(whole, std::move(copy));
  }
  CHECK(whole.revision == 8);
  CHECK(whole.sites == rows.sites);
  CHECK(whole.users == rows.users);
  CHECK(whole.sessions == rows.sessions);
}
