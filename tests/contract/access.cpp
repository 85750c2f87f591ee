#include <catch2/catch.hpp>

#include <cstdlib>

#include <sys/stat.h>

#include "actors/model/access_key.hpp"
#include "app/access_keeper.hpp"
#include "app/try_limits.hpp"
#include "db/sqlite/sqlite_store.hpp"
#include "tests/contract/access_rigs.hpp"
#include "tests/contract/await.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

constexpr int64_t now = 1'700'000'000'000'000;

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
