#include <catch2/catch.hpp>

#include <atomic>
#include <cstdlib>

#include <sys/stat.h>

#include "actors/model/access_key.hpp"
#include "app/access_keeper.hpp"
#include "app/try_limits.hpp"
#include "db/postgres/access_tables.hpp"
#include "db/sqlite/access_file.hpp"
#include "db/sqlite/sqlite_store.hpp"
#include "tests/contract/await.hpp"
#include "tests/contract/rigs_postgres.hpp"
#include "tests/contract/temporary_folder.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

constexpr int64_t now = 1'700'000'000'000'000;

/// A place for keys of its own, empty at first.
class access_rig {
public:
  virtual ~access_rig() = default;
  virtual std::unique_ptr<access_records> open() = 0;
};

class file_rig final : public access_rig {
public:
  std::unique_ptr<access_records> open() override {
    auto out = open_sqlite_access(folder.path());
    REQUIRE(out);
    return std::move(*out);
  }
  temporary_folder folder;
};

class tables_rig final : public access_rig {
public:
  std::unique_ptr<access_records> open() override {
    auto out = open_postgres_access(database.url());
    REQUIRE(out);
    return std::move(*out);
  }
  scratch_database database{std::getenv("FOOTFALL_TEST_POSTGRES")};
};

template <class Test>
void with_each(Test test) {
  SECTION("access.db") {
    file_rig rig;
    test(rig);
  }
  if (!std::getenv("FOOTFALL_TEST_POSTGRES"))
    return; // As the other suites of it: the rigs say that it was not run.
  SECTION("PostgreSQL") {
    tables_rig rig;
    test(rig);
  }
}

access_key key_at(const std::string& site, access_role role = access_role::read) {
  return model::make_key(role, site, now).key;
}

} // namespace

TEST_CASE("keys are kept as they were made", "[contract][access]") {
  with_each([](access_rig& rig) {
    auto key = key_at("shop", access_role::admin);
    key.name = "for the \"report\" of Ö; DROP TABLE";
    key.expires_us = now + 123'456;
    key.rate = 7;
    auto all = key_at("*", access_role::ingest);
    {
      auto db = rig.open();
      auto empty = db->read();
      REQUIRE(empty);
      REQUIRE(empty->sites.size() == 1);
      CHECK(empty->sites[0].id == "default");
      CHECK(empty->keys.empty());
      CHECK(db->add_site({"shop", now}).value());
      CHECK(db->add_key(key).value());
      CHECK(db->add_key(all).value());
    }
    auto db = rig.open();
    auto rows = db->read();
    REQUIRE(rows);
    CHECK(rows->keys == std::vector{all, key});
    CHECK(rows->sites.size() == 2);
    CHECK(rows->sites[1] == access_site{"shop", now});
  });
}

TEST_CASE("a change of keys has a new revision, and no change has none", "[contract][access]") {
  with_each([](access_rig& rig) {
    auto db = rig.open();
    auto other = rig.open();
    const auto first = db->revision().value();
    const auto key = key_at("default");
    CHECK(db->add_key(key).value());
    CHECK(other->revision().value() > first);
    const auto then = other->revision().value();
    CHECK_FALSE(db->add_site({"default", now}).value());
    CHECK_FALSE(db->add_key(key_at("nowhere")).value());
    CHECK_FALSE(db->revoke("nobody", now).value());
    CHECK_FALSE(db->note_used({{key.id, 20'000}, {"nobody", 1}}));
    CHECK(other->revision().value() == then);
    CHECK(db->revoke(key.id, now + 5).value());
    CHECK(db->revoke(key.id, now + 9).value());
    CHECK(other->revision().value() > then);
    const auto row = other->read().value().keys.at(0);
    CHECK(row.revoked_us == now + 5);
    CHECK(row.used_day == 20'000);
    CHECK_FALSE(db->note_used({{key.id, 19'999}}));
    CHECK(other->read().value().keys.at(0).used_day == 20'000);
    CHECK_FALSE(db->add_key(key)); // Its id is there.
  });
}

TEST_CASE("a gate hears of changes that others made", "[contract][access]") {
  with_each([](access_rig& rig) {
    model::access_gate gate;
    app::access_keeper keeper{gate, system_now_us, [](const std::string&) {}};
    REQUIRE_FALSE(keeper.begin(rig.open()));
    CHECK_FALSE(gate.has_somebody(now));
    auto made = model::make_key(access_role::read, "default", system_now_us());
    const auto passes = [&] {
      return gate.check({made.text}, model::access_need::read, system_now_us()).why
             == model::access_denial::none;
    };
    auto other = rig.open();
    CHECK(other->add_key(made.key).value());
    CHECK(eventually([&] { return passes(); }));
    CHECK(eventually([&] { return other->read().value().keys.at(0).used_day > 0; }));
    CHECK(other->revoke(made.key.id, system_now_us()).value());
    CHECK(eventually([&] { return !passes(); }));
  });
}

namespace {

/// Can be away, as a server can.
struct away_records final : access_records {
  away_records(std::unique_ptr<access_records> inner, const std::atomic<bool>& away)
      : inner(std::move(inner)), away(away) {}

  template <class T, class Call>
  caf::expected<T> unless_away(Call call) {
    if (away)
      return make_error(errc::store_unavailable, "it is away");
    return call();
  }
  caf::expected<int64_t> revision() override {
    return unless_away<int64_t>([&] { return inner->revision(); });
  }
  caf::expected<access_rows> read() override {
    return unless_away<access_rows>([&] { return inner->read(); });
  }
  caf::expected<bool> revoke(const std::string& id, int64_t at_us) override {
    return unless_away<bool>([&] { return inner->revoke(id, at_us); });
  }
  // Nobody asks for what follows.
  caf::expected<bool> add_site(const access_site&) override { return false; }
  caf::expected<bool> add_key(const access_key&) override { return false; }
  caf::expected<bool> add_user(const access_user&) override { return false; }
  caf::expected<bool> set_password(const std::string&, const std::string&) override {
    return false;
  }
  caf::expected<bool> remove_user(const std::string&) override { return false; }
  caf::expected<bool> add_session(const access_session&, const std::string&, int64_t) override {
    return false;
  }
  caf::expected<bool> end_session(const std::string&) override { return false; }
  caf::error note_used(const std::vector<std::pair<std::string, int64_t>>&) override {
    return caf::none;
  }

  std::unique_ptr<access_records> inner;
  const std::atomic<bool>& away;
};

/// A node's part of it.
struct kept_gate {
  kept_gate(access_rig& rig, const std::atomic<bool>& away) {
    REQUIRE_FALSE(keeper.begin(std::make_unique<away_records>(rig.open(), away)));
  }
  bool passes(const model::made_key& x) {
    return gate.check({x.text}, model::access_need::read, system_now_us()).why
           == model::access_denial::none;
  }
  access_reply revoke(const std::string& id) {
    answer<access_reply> out;
    keeper.ask(access_ask::revoke_key{id}, out.callback());
    return out.get();
  }
  model::access_gate gate;
  std::atomic<int> reports{0};
  app::access_keeper keeper{gate, system_now_us, [this](const std::string&) { ++reports; }};
};

} // namespace

TEST_CASE("a key is revoked while the store is away, and stored when it is back",
          "[contract][access]") {
  with_each([](access_rig& rig) {
    std::vector<model::made_key> made;
    const auto db = rig.open();
    for (int i = 0; i < 4; ++i) {
      made.push_back(model::make_key(access_role::read, "default", system_now_us()));
      REQUIRE(db->add_key(made.back().key).value());
    }
    std::atomic<bool> away{false};
    kept_gate one{rig, away}, two{rig, away};
    REQUIRE(one.passes(made[0]));
    CHECK(one.revoke(made[3].key.id).stored); // As usual.
    CHECK_FALSE(one.keeper.revoked());
    CHECK_FALSE(one.passes(made[3]));

    away = true; // Nobody knows yet.
    const auto first = one.revoke(made[0].key.id);
    CHECK(first.code == errc::none);
    CHECK_FALSE(first.stored);
    CHECK(first.key.id == made[0].key.id);
    CHECK(first.key.revoked_us != 0);
    CHECK(first.rows.keys.size() == 4);
    CHECK_FALSE(one.passes(made[0]));
    CHECK(one.passes(made[1]));
    REQUIRE(eventually([&] { return one.reports == 1; })); // Now it is known.
    CHECK_FALSE(one.revoke(made[1].key.id).stored);
    CHECK_FALSE(one.revoke(made[1].key.id).stored); // Once more.
    CHECK_FALSE(one.passes(made[1]));
    CHECK(one.revoke("nobody").code == errc::store_unavailable);

    REQUIRE(one.keeper.revoked());
    CHECK(one.keeper.revoked()->keys.size() == 2);
    CHECK(two.passes(made[0]));
    two.keeper.take_revoked(*one.keeper.revoked());
    CHECK_FALSE(two.passes(made[0]));
    CHECK_FALSE(two.passes(made[1]));
    const auto known = two.keeper.revoked();
    two.keeper.take_revoked(*one.keeper.revoked());
    CHECK(two.keeper.revoked() == known); // No news: nobody is told again.
    CHECK(one.passes(made[2]));

    away = false;
    REQUIRE(eventually([&] { return !one.keeper.revoked() && !two.keeper.revoked(); }));
    const auto rows = db->read().value();
    for (const auto& key : rows.keys)
      CHECK((key.revoked_us == 0) == (key.id == made[2].key.id));
    for (auto* at : {&one, &two}) {
      CHECK_FALSE(at->passes(made[0]));
      CHECK_FALSE(at->passes(made[1]));
      CHECK(at->passes(made[2]));
    }
  });
}

TEST_CASE("the file of keys is its owner's, and a foreign one is left alone",
          "[contract][access]") {
  file_rig rig;
  rig.open();
  struct stat found {};
  REQUIRE(::stat((rig.folder.path() + "/access.db").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  temporary_folder other;
  {
    sqlite_store::config config;
    config.folder = other.path();
    REQUIRE(sqlite_store::open(config));
  }
  REQUIRE(std::rename((other.path() + "/store.db").c_str(), (other.path() + "/access.db").c_str())
          == 0);
  const auto refused = open_sqlite_access(other.path());
  REQUIRE_FALSE(refused);
  CHECK(text_of(refused.error()).find("access.db") != std::string::npos);
}

TEST_CASE("people and their sessions are kept as they were made", "[contract][access]") {
  with_each([](access_rig& rig) {
    auto db = rig.open();
    const std::string hash = "$argon2id$x";
    const access_user ada{"ada", hash, access_role::admin, "*", now};
    const access_session one{std::string(64, 'a'), "ada", now, 20'000};
    const access_session two{std::string(64, 'b'), "ada", now + 1, 20'000};
    CHECK(db->add_user(ada).value());
    CHECK_FALSE(db->add_user(ada).value());
    CHECK_FALSE(db->add_user({"bob", "x", access_role::read, "nowhere", now}).value());
    CHECK_FALSE(db->add_session({"c", "bob", now, 1}, "x", 0).value());
    const auto before = db->revision().value();
    CHECK(db->add_session(one, hash, 0).value());
    CHECK(db->add_session(two, hash, 0).value());
    CHECK(db->revision().value() > before);
    auto other = rig.open();
    CHECK(other->read().value().users == std::vector{ada});
    CHECK(other->read().value().sessions == std::vector{one, two});
    CHECK_FALSE(db->note_used({{one.id, 20'001}}));
    CHECK(other->read().value().sessions[0].used_day == 20'001);
    CHECK(db->end_session(two.id).value());
    CHECK_FALSE(db->end_session(two.id).value());
    CHECK(db->add_session(two, hash, now + 1).value()); // Older ones are dropped.
    CHECK(other->read().value().sessions == std::vector{two});
    CHECK(db->set_password("ada", "y").value());
    CHECK(other->read().value().sessions.empty());
    CHECK(other->read().value().users[0].password == "y");
    CHECK_FALSE(db->set_password("bob", "y").value());
    CHECK_FALSE(db->add_session(one, hash, 0).value()); // It was checked with the old password.
    for (int i = 0; i < 20; ++i) {
      const auto id = std::string(1, static_cast<char>('a' + i));
      CHECK(db->add_session({id, "ada", now + i, 1}, "y", 0).value());
    }
    CHECK(other->read().value().sessions.size() == access_records::sessions_most);
    CHECK(other->read().value().sessions[0].id == "e"); // The oldest went.
    CHECK(db->remove_user("ada").value());
    CHECK_FALSE(db->remove_user("ada").value());
    CHECK(other->read().value().sessions.empty());
    CHECK(other->read().value().users.empty());
  });
}

TEST_CASE("tries are bounded for each name", "[access]") {
  app::try_limits tries{5};
  constexpr int64_t second = 1'000'000;
  for (int i = 0; i < 5; ++i)
    CHECK(tries.wait_s("ada", now) == 0);
  CHECK(tries.wait_s("ada", now) == 12);
  CHECK(tries.wait_s("bob", now) == 0);
  tries.give_back("ada");
  CHECK(tries.wait_s("ada", now) == 0);
  CHECK(tries.wait_s("ada", now) == 12);
  CHECK(tries.wait_s("ada", now + 12 * second) == 0);
  CHECK(tries.wait_s("ada", now + 12 * second) == 12);
  for (int i = 0; i < 20'000; ++i)
    tries.wait_s("n" + std::to_string(i), now + 13 * second);
  CHECK(tries.wait_s("one more", now + 13 * second) == 0); // Nobody is kept out by a crowd.
  CHECK(app::network_of("10.1.2.3") == "10.1.2.3");
  CHECK(app::network_of("::ffff:10.1.2.3") == "10.1.2.3");
  CHECK(app::network_of("2001:db8:1:2:3:4:5:6") == app::network_of("2001:db8:1:2::9"));
  CHECK(app::network_of("2001:db8:1:2::") != app::network_of("2001:db8:1:3::"));
}
