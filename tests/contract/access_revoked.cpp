#include <catch2/catch.hpp>

#include <atomic>

#include "actors/model/access_key.hpp"
#include "app/access_keeper.hpp"
#include "tests/contract/access_rigs.hpp"
#include "tests/contract/await.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

/// Can be away, as a server can.
struct away_records final : access_records {
  /// What a server does.
  struct mood {
    std::atomic<bool> is_away{false};
    std::atomic<bool> takes_nothing{false}; ///< It can be read all the same.
  };
  away_records(std::unique_ptr<access_records> inner, const mood& now)
      : inner(std::move(inner)), now(now) {}

  template <class T, class Call>
  caf::expected<T> unless_away(Call call) {
    if (now.is_away)
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
    if (now.takes_nothing)
      return make_error(errc::store_unavailable, "it takes nothing");
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
    return make_error(errc::store_unavailable, "it notes nothing");
  }

  std::unique_ptr<access_records> inner;
  const mood& now;
};

/// A node's part of it.
struct kept_gate {
  kept_gate(access_rig& rig, const away_records::mood& now) {
    REQUIRE_FALSE(keeper.begin(std::make_unique<away_records>(rig.open(), now)));
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
  access_reply everything() {
    answer<access_reply> out;
    keeper.ask(access_ask::everything{}, out.callback());
    return out.get();
  }
  model::access_gate gate;
  std::atomic<int> reports{0};
  app::access_keeper keeper{gate, system_now_us, [this](const std::string&) { ++reports; }};
};

} // namespace

TEST_CASE("a key is revoked while the store is away", "[contract][access]") {
  with_each([](access_rig& rig) {
    std::vector<model::made_key> made;
    const auto db = rig.open();
    for (int i = 0; i < 4; ++i) {
      made.push_back(model::make_key(access_role::read, "default", system_now_us()));
      REQUIRE(db->add_key(made.back().key).value());
    }
    away_records::mood store;
    kept_gate one{rig, store}, two{rig, store};
    REQUIRE(one.passes(made[0]));
    CHECK(one.revoke(made[3].key.id).stored); // As usual.
    CHECK_FALSE(one.keeper.revoked());
    CHECK_FALSE(one.passes(made[3]));

    store.is_away = true; // Nobody knows yet.
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

    const auto listed = one.everything();
    CHECK(listed.code == errc::none);
    CHECK(listed.rows.keys.size() == 4);
  });
}

TEST_CASE("a key that is revoked stays so while the store comes back", "[contract][access]") {
  with_each([](access_rig& rig) {
    std::vector<model::made_key> made;
    const auto db = rig.open();
    for (int i = 0; i < 3; ++i) {
      made.push_back(model::make_key(access_role::read, "default", system_now_us()));
      REQUIRE(db->add_key(made.back().key).value());
    }
    away_records::mood store;
    kept_gate one{rig, store}, two{rig, store};
    store.is_away = true;
    CHECK_FALSE(one.revoke(made[0].key.id).stored);
    two.keeper.take_revoked(*one.keeper.revoked());
    // Of a key that was made meanwhile, as far as this node knows.
    const auto unknown = model::make_key(access_role::read, "default", system_now_us());
    REQUIRE(db->add_key(unknown.key).value());
    one.keeper.take_revoked({{{unknown.key.id, system_now_us()}}});

    // It is read again, and has not what is revoked.
    store.takes_nothing = true;
    store.is_away = false;
    REQUIRE(db->add_site({"other", system_now_us()}).value());
    REQUIRE(eventually([&] { return one.keeper.rows()->sites.size() == 2; }));
    CHECK_FALSE(one.passes(made[0]));
    CHECK_FALSE(one.passes(unknown));
    CHECK(one.keeper.revoked());

    store.takes_nothing = false;
    REQUIRE(eventually([&] { return !one.keeper.revoked() && !two.keeper.revoked(); }));
    const auto rows = db->read().value();
    for (const auto& key : rows.keys)
      CHECK((key.revoked_us != 0) == (key.id == made[0].key.id || key.id == unknown.key.id));
    CHECK_FALSE(one.passes(unknown));
    for (auto* at : {&one, &two}) {
      CHECK_FALSE(at->passes(made[0]));
      CHECK(at->passes(made[2]));
    }
  });
}

TEST_CASE("what is revoked and not stored is told at the end", "[contract][access]") {
  file_rig rig;
  const auto made = model::make_key(access_role::read, "default", system_now_us());
  REQUIRE(rig.open()->add_key(made.key).value());
  away_records::mood store;
  model::access_gate gate;
  std::string said;
  {
    app::access_keeper keeper{gate, system_now_us, [&](const std::string& x) { said = x; }};
    REQUIRE_FALSE(keeper.begin(std::make_unique<away_records>(rig.open(), store)));
    store.is_away = true;
    answer<access_reply> out;
    keeper.ask(access_ask::revoke_key{made.key.id}, out.callback());
    CHECK_FALSE(out.get().stored);
  }
  CHECK(said.find(made.key.id) != std::string::npos);
  CHECK(said.find("revoke them again") != std::string::npos);
}
