// Who may what, at a gateway without a store: told part by part, and changed at another node.
#include <cstring>

#include <catch2/catch.hpp>

#include "tests/actors/gateway_fixture.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

/// Of node b. Answers when it is told to.
struct held_desk final : access_desk {
  void ask(any_access_ask what, std::function<void(access_reply)> done) override {
    asked.push_back(std::move(what));
    open.push_back(std::move(done));
  }
  std::vector<any_access_ask> asked;
  std::vector<std::function<void(access_reply)>> open;
};

std::shared_ptr<const access_rows> rows_of(int64_t revision, int sessions) {
  auto out = std::make_shared<access_rows>();
  out->revision = revision;
  out->sites = {{"shop", 1}};
  out->keys.push_back({"7nq2m8xa", {1, 2, 3}, access_role::admin, "*", "root", 1, 2, 3, 4, 5});
  out->users.push_back({"ada", "", access_role::read, "shop", 6});
  for (int i = 0; i < sessions; ++i)
    out->sessions.push_back({std::string(60, 'a') + std::to_string(1'000'000 + i), "ada", 7, 8});
  return out;
}

struct access_fixture : gateway_fixture {
  access_fixture() {
    network.seen = [this](const std::string& from, const std::string&, const caf::strong_actor_ptr&,
                          const caf::message& x) {
      if (x.match_elements<atom::access, access_part>()) {
        parts.push_back(x.get_as<access_part>(1).number);
        ++under_way;
        most_under_way = std::max(most_under_way, under_way);
      } else if (x.match_elements<atom::access, access_part_taken>()) {
        --under_way;
      } else if (from == "b:1" && x.match_elements<atom::access, access_told>()) {
        rows_in_answers += x.get_as<access_told>(1).reply.rows.sessions.size();
      }
    };
    end_b();
    plan_b.access.desk = &desk;
    plan_b.access.rows = [this] { return told_by_b; };
    start_b();
    plan.access.take = [this](const access_rows& x) {
      known = x;
      order += "rows ";
    };
    plan.access.answer = [this](access_told x) {
      answers.push_back(std::move(x));
      known_at_answer.push_back(known.revision);
      order += "answer ";
    };
    advance(5s);
  }

  void change(uint64_t number) { CHECK(door->ask_desk({number, access_ask::add_site{"other"}})); }

  held_desk desk;
  std::shared_ptr<const access_rows> told_by_b;
  access_rows known;
  std::vector<access_told> answers;
  std::vector<int64_t> known_at_answer; ///< Revisions.
  std::string order;
  std::vector<uint32_t> parts;
  int under_way = 0, most_under_way = 0;
  size_t rows_in_answers = 0;
};

} // namespace

SCENARIO_METHOD(access_fixture, "who may what is told in parts, one at a time", "[actor][links]") {
  told_by_b = rows_of(3, 10'000);
  begin({"b:1"});
  advance(2s);
  CHECK(parts.size() > 8);
  CHECK(most_under_way == 1);
  CHECK(order == "rows "); // Once, and whole.
  CHECK(known.revision == 3);
  CHECK(known.sites == told_by_b->sites);
  CHECK(known.keys == told_by_b->keys);
  CHECK(known.users == told_by_b->users);
  CHECK(known.sessions == told_by_b->sessions);
  parts.clear();
  advance(5s);
  CHECK(parts.empty()); // Nothing is new.

  told_by_b = rows_of(4, 0);
  advance(2s);
  CHECK(parts == std::vector<uint32_t>{0});
  CHECK(known.revision == 4);
  CHECK(known.sessions.empty());
}

SCENARIO_METHOD(access_fixture, "what changes all the time is told all the same",
                "[actor][links]") {
  told_by_b = rows_of(3, 10'000);
  begin({"b:1"});
  advance(2s);
  order.clear();
  std::vector<fake_network::work> held;
  network.later = [&](uint32_t, fake_network::work x) { held.push_back(std::move(x)); };
  auto go_on = [&](int turns) {
    for (int i = 0; i < turns; ++i) {
      advance(200ms);
      for (auto& x : std::exchange(held, {}))
        x();
      settle();
    }
  };
  int64_t revision = 3;
  for (int i = 0; i < 50; ++i) { // Each is told in more turns than the next one needs to come.
    told_by_b = rows_of(++revision, 10'000 + i);
    go_on(2);
  }
  CHECK(order.size() >= 3 * std::strlen("rows "));
  CHECK(known.revision > 30);
  CHECK(known.sessions.size() == 10'000 + static_cast<size_t>(known.revision) - 4); // No mixture.
  go_on(60);
  CHECK(known.revision == revision);
  CHECK(known.sessions == told_by_b->sessions);
  CHECK(most_under_way == 1);
  network.later = {};
}

SCENARIO_METHOD(access_fixture,
                "a change is known at the gateway before it is told that it was done",
                "[actor][links]") {
  told_by_b = rows_of(3, 0);
  begin({"b:1"});
  advance(2s);
  change(7);
  settle();
  REQUIRE(desk.open.size() == 1);
  CHECK(std::holds_alternative<access_ask::add_site>(desk.asked.at(0)));
  order.clear();
  told_by_b = rows_of(4, 10'000);
  access_reply done;
  done.rows = *told_by_b;
  done.text = "secret";
  desk.open[0](done);
  settle();
  CHECK(order == "rows answer ");
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].number == 7);
  CHECK(answers[0].reply.code == errc::none);
  CHECK(answers[0].reply.text == "secret");
  CHECK(answers[0].reply.rows.sessions == told_by_b->sessions);
  CHECK(rows_in_answers == 0); // They are not sent twice.
}

SCENARIO_METHOD(access_fixture, "an answer waits for the rows that have its change",
                "[actor][links]") {
  told_by_b = rows_of(3, 0);
  begin({"b:1"});
  advance(2s);
  std::vector<fake_network::work> held;
  network.later = [&](uint32_t, fake_network::work x) { held.push_back(std::move(x)); };
  auto deliver = [&] {
    for (auto& x : std::exchange(held, {}))
      x();
    settle();
  };
  change(1);
  change(2);
  for (int i = 0; i < 3; ++i)
    deliver();
  REQUIRE(desk.open.size() == 2);
  order.clear();
  access_reply done;
  told_by_b = rows_of(4, 5'000);
  done.rows = *told_by_b;
  desk.open[0](done);
  settle(); // Part 0 of 4 is under way.
  told_by_b = rows_of(5, 6'000);
  done.rows = *told_by_b;
  desk.open[1](done);
  settle();
  for (int i = 0; i < 60; ++i)
    deliver();
  CHECK(order == "rows answer rows answer ");
  CHECK(known_at_answer == std::vector<int64_t>{4, 5});
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].number == 1);
  CHECK(answers[1].number == 2);
  CHECK(answers[1].reply.rows.sessions.size() == 6'000);
  network.later = {};
}

SCENARIO_METHOD(access_fixture, "an answer without rows brings none", "[actor][links]") {
  told_by_b = rows_of(3, 10);
  begin({"b:1"});
  advance(2s);
  CHECK(door->ask_desk({1, access_ask::sign_in{"ada", "secret", "10.0.0.1"}}));
  settle();
  access_reply signed_in;
  signed_in.text = "token";
  desk.open.at(0)(signed_in);
  settle();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].reply.text == "token");
  CHECK(answers[0].reply.rows.sites.empty());
}

SCENARIO_METHOD(access_fixture, "who asks a desk is answered, whatever becomes of it",
                "[actor][links]") {
  told_by_b = rows_of(3, 0);
  begin({"b:1"});
  advance(2s);
  change(1);
  settle();
  REQUIRE(desk.open.size() == 1);
  SECTION("its node is lost") {
    network.cut_all();
    settle();
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].reply.code == errc::timeout);
    CHECK(answers[0].reply.reason.find("it may have been done") != std::string::npos);
    desk.open[0]({}); // Too late for anybody.
    advance(15s);
    CHECK(answers.size() == 1);
  }
  SECTION("it never answers") {
    advance(11s);
    CHECK(answers.empty());
    advance(2s);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].reply.reason.find("took too long") != std::string::npos);
    desk.open[0]({});
    advance(2s);
    CHECK(answers.size() == 1);
  }
  SECTION("the node is lost while it tells what has changed") {
    told_by_b = rows_of(4, 10'000);
    std::vector<fake_network::work> held;
    network.later = [&](uint32_t, fake_network::work x) { held.push_back(std::move(x)); };
    desk.open[0]({});
    settle();
    CHECK(answers.empty());
    network.later = {};
    held.clear();
    network.cut_all();
    advance(2s);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].reply.code == errc::timeout);
    advance(5s);
    CHECK(known.revision == 4); // Over the next link.
  }
  SECTION("nobody is there") {
    end_b();
    settle();
    REQUIRE(answers.size() == 1); // The first.
    change(2);
    settle();
    REQUIRE(answers.size() == 2);
    CHECK(answers[1].number == 2);
    CHECK(answers[1].reply.code == errc::restarting);
  }
}

SCENARIO_METHOD(access_fixture, "a gateway is told what changes while the store is away",
                "[actor][links]") {
  told_by_b = rows_of(3, 1);
  begin({"b:1"});
  advance(2s);
  for (int i = 2; i < 7; ++i) { // No beat comes so often.
    told_by_b = rows_of(3, i);
    advance(150ms);
    CHECK(known.sessions.size() == static_cast<size_t>(i));
  }
}

SCENARIO_METHOD(access_fixture, "nobody takes back that a key is revoked", "[actor][links]") {
  auto revoked = [](int64_t revision, bool is_revoked) {
    auto out = std::make_shared<access_rows>(*rows_of(revision, 0));
    out->keys[0].revoked_us = is_revoked ? 9 : 0;
    return out;
  };
  told_by_b = revoked(3, true);
  begin({"b:1"});
  advance(2s);
  CHECK(known.keys.at(0).revoked_us == 9);
  told_by_b = revoked(3, false); // As from a node that does not know it yet.
  advance(1s);
  CHECK(known.keys.at(0).revoked_us == 9);
  told_by_b = revoked(4, false); // It was read before that was stored.
  advance(1s);
  CHECK(known.revision == 4);
  CHECK(known.keys.at(0).revoked_us == 9);

  auto other = revoked(5, false); // Another key under that id.
  other->keys[0].digest = {7};
  told_by_b = other;
  advance(1s);
  CHECK(known.keys.at(0).revoked_us == 0);
  told_by_b = revoked(2, false); // Nobody has the later ones: another store.
  advance(1s);
  CHECK(known.revision == 2);
  CHECK(known.keys.at(0).revoked_us == 0);
}

namespace {

/// Nodes a and b, both with a store.
struct revoked_fixture : linked_fixture {
  revoked_fixture() {
    end_b();
    end_node();
    plan.access.revoked = [this] { return at_a; };
    plan.access.take_revoked = [this](const access_revoked& x) { to_a.push_back(x); };
    plan_b.access.revoked = [this] { return at_b; };
    plan_b.access.take_revoked = [this](const access_revoked& x) {
      to_b.push_back(x);
      at_b = std::make_shared<access_revoked>(x); // As one that did not know it.
    };
    restart_node();
    start_b();
    advance(5s);
  }
  std::shared_ptr<const access_revoked> at_a, at_b;
  std::vector<access_revoked> to_a, to_b;
};

} // namespace

SCENARIO_METHOD(revoked_fixture, "nodes tell each other at once what is revoked",
                "[actor][links]") {
  REQUIRE(is_linked(*door));
  CHECK(to_b.empty());
  at_a = std::make_shared<access_revoked>(access_revoked{{{"7nq2m8xa", 5}}});
  advance(150ms);
  REQUIRE(to_b.size() == 1);
  CHECK(to_b[0].keys == at_a->keys);
  advance(5s);
  CHECK(to_b.size() == 1);
  CHECK(to_a.size() == 1); // Who learned it tells it too, once.

  network.cut_all();
  advance(5s);
  REQUIRE(is_linked(*door));
  CHECK(to_b.size() == 2); // Nobody knows what the other still has.

  at_a = nullptr; // The store has it.
  at_b = nullptr;
  advance(5s);
  CHECK(to_b.size() == 2);
}
