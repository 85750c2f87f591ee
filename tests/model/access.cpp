#include <catch2/catch.hpp>

#include <set>

#include "actors/model/access_gate.hpp"
#include "actors/model/access_key.hpp"
#include "actors/model/password.hpp"

using namespace footfall;
using namespace footfall::model;

namespace {

constexpr int64_t now = 1'700'000'000'000'000;
constexpr int64_t second = 1'000'000;
constexpr access_need needs[] = {access_need::nothing,  access_need::ingest,
                                 access_need::read,     access_need::see,
                                 access_need::all_read, access_need::all_admin};

/// A gate that knows one key.
struct known {
  known(access_role role, std::string site) : made(make_key(role, std::move(site), now)) {
    publish();
  }
  void publish() { gate.publish({1, {}, {made.key}}); }
  access_denial why(access_need need, int64_t at = now) const {
    return gate.check({made.text}, need, at).why;
  }
  made_key made;
  access_gate gate;
};

} // namespace

TEST_CASE("a key's text is made, read and hashed", "[access]") {
  const auto made = make_key(access_role::ingest, "shop", now);
  CHECK(made.text.size() == 60);
  const auto text = read_key_text(made.text);
  REQUIRE(text);
  CHECK(text->id == made.key.id);
  CHECK(is_same(digest_of(text->secret), made.key.digest));
  CHECK(made.key.created_us == now);
  CHECK(make_key(access_role::read, "shop", now).text != made.text);
  for (size_t i = 0; i < made.text.size(); ++i) {
    auto shorter = made.text;
    shorter.erase(i, 1);
    CHECK_FALSE(read_key_text(shorter));
    auto other = made.text;
    other[i] = ' ';
    CHECK_FALSE(read_key_text(other));
  }
  CHECK_FALSE(read_key_text(""));
  CHECK_FALSE(read_key_text(made.text + "x"));
  // FIPS 180-4, example of one block.
  CHECK(digest_of("abc")[0] == 0xba);
  CHECK(digest_of("abc")[31] == 0xad);
}

TEST_CASE("secrets use all of their letters", "[access]") {
  std::set<char> seen;
  for (int i = 0; i < 64; ++i) {
    const auto text = make_key(access_role::read, "*", now).text;
    const auto secret = text.substr(text.size() - 43);
    seen.insert(secret.begin(), secret.end());
  }
  CHECK(seen.size() == 64);
}

TEST_CASE("a role opens what it is for", "[access]") {
  using set = std::set<access_need>;
  const auto opened = [](access_role role, const char* site) {
    known x{role, site};
    set out;
    for (auto need : needs)
      if (x.why(need) == access_denial::none)
        out.insert(need);
      else
        CHECK(x.why(need) == access_denial::role);
    return out;
  };
  const auto nothing = access_need::nothing, ingest = access_need::ingest, read = access_need::read;
  const auto see = access_need::see;
  CHECK(opened(access_role::ingest, "shop") == set{nothing, ingest});
  CHECK(opened(access_role::ingest, "*") == set{nothing, ingest});
  CHECK(opened(access_role::read, "shop") == set{nothing, read, see});
  CHECK(opened(access_role::read, "*") == set{nothing, read, see, access_need::all_read});
  CHECK(opened(access_role::admin, "shop") == set{nothing, ingest, read, see});
  CHECK(opened(access_role::admin, "*") == set(std::begin(needs), std::end(needs)));
}

TEST_CASE("a link shows what may be shared, and opens nothing else", "[access]") {
  known x{access_role::share, "shop"};
  CHECK(is_share_token(x.made.text));
  CHECK_FALSE(read_key_text(x.made.text));
  const auto why = [&](access_need need, std::string_view token, int64_t at = now) {
    return x.gate.check({.share = token}, need, at).why;
  };
  for (const auto need : needs) {
    const bool may = need == access_need::nothing || need == access_need::see;
    CHECK(why(need, x.made.text) == (may ? access_denial::none : access_denial::role));
  }
  auto site = std::string("shop");
  const auto who = x.gate.check({.share = x.made.text}, access_need::see, now).who;
  CHECK(who.is().id == x.made.key.id);
  CHECK(who.covers(site));
  site = "other";
  CHECK_FALSE(who.covers(site));
  // Neither as a key nor as a session.
  CHECK(x.gate.check({x.made.text}, access_need::see, now).why == access_denial::malformed);
  CHECK(x.gate.check({.session = x.made.text}, access_need::see, now).why
        == access_denial::missing);
  const auto key = "ff_live_" + x.made.key.id + "_" + make_session_token();
  CHECK(x.gate.check({key}, access_need::see, now).why == access_denial::unknown);

  CHECK(why(access_need::see, make_key(access_role::share, "shop", now).text)
        == access_denial::no_share);
  known other{access_role::read, "shop"}; // The secret of a key is no link.
  CHECK(other.gate.check({.share = other.made.text}, access_need::see, now).why
        == access_denial::no_share);
  x.made.key.expires_us = now + second;
  x.publish();
  CHECK(why(access_need::see, x.made.text, now + second) == access_denial::no_share);
  x.made.key.revoked_us = now;
  x.publish();
  CHECK(why(access_need::see, x.made.text) == access_denial::no_share);
  CHECK_FALSE(x.gate.still_holds(x.made.key.id, now));
}

TEST_CASE("a counter shows its pages of its site, and opens nothing", "[access]") {
  CHECK(shows("/blog", "/blog"));
  CHECK_FALSE(shows("/blog", "/blog/1"));
  CHECK(shows("/blog*", "/blog/1"));
  CHECK(shows("/blog*", "/blog"));
  CHECK_FALSE(shows("/blog/*", "/blog"));
  CHECK(shows("*", "/any"));
  CHECK_FALSE(shows("", "/any"));

  known x{access_role::counter, "shop"};
  CHECK(x.made.text == "/c/shop/");
  x.made.key.name = "/blog/*";
  x.publish();
  const auto why = [&](const char* site, const char* page, int64_t at = now) {
    return x.gate.check_counter(site, page, at).why;
  };
  CHECK(why("shop", "/blog/1") == access_denial::none);
  CHECK(why("shop", "/other") == access_denial::no_counter);
  CHECK(why("other", "/blog/1") == access_denial::no_counter);
  const auto who = x.gate.check_counter("shop", "/blog/1", now).who;
  CHECK(who.is().id == x.made.key.id);
  for (const auto need : needs)
    CHECK(who.may(need) == (need == access_need::nothing));
  CHECK_FALSE(x.gate.has_somebody(now));
  // Its id is no secret, and nothing goes with it.
  const auto key = "ff_live_" + x.made.key.id + "_" + make_session_token();
  CHECK(x.gate.check({key}, access_need::see, now).why == access_denial::unknown);
  CHECK(x.gate.check({.share = x.made.key.id}, access_need::see, now).why
        == access_denial::no_share);

  // What says most of a page is asked.
  access_rows rows;
  rows.keys.assign(4, x.made.key);
  const std::pair<const char*, const char*> counters[] = {
      {"aaaaaaaa", "*"}, {"bbbbbbbb", "/blog/*"}, {"cccccccc", "/b*"}, {"dddddddd", "/blog/1"}};
  for (size_t i = 0; i < rows.keys.size(); ++i)
    std::tie(rows.keys[i].id, rows.keys[i].name) = counters[i];
  access_gate several;
  several.publish(rows);
  const auto asked = [&](const char* page) {
    return several.check_counter("shop", page, now).who.is().id;
  };
  CHECK(asked("/blog/1") == "dddddddd");
  CHECK(asked("/blog/12") == "bbbbbbbb");
  CHECK(asked("/bl") == "cccccccc");
  CHECK(asked("/") == "aaaaaaaa");

  x.made.key.expires_us = now + second;
  x.publish();
  CHECK(why("shop", "/blog/1", now + second) == access_denial::no_counter);
  x.made.key.revoked_us = now;
  x.publish();
  CHECK(why("shop", "/blog/1") == access_denial::no_counter);
  CHECK(access_gate().check_counter("shop", "/", now).why == access_denial::not_known_yet);
}

TEST_CASE("who has a link alone has nobody who may change anything", "[access]") {
  known x{access_role::share, "shop"};
  CHECK_FALSE(x.gate.has_somebody(now));
  known y{access_role::ingest, "shop"};
  CHECK(y.gate.has_somebody(now));
}

TEST_CASE("keys that do not do are told apart by their bearers alone", "[access]") {
  known x{access_role::read, "shop"};
  const auto why = [&](std::string_view text) {
    return x.gate.check({text}, access_need::read, now).why;
  };
  CHECK(why("") == access_denial::missing);
  CHECK(why("secret") == access_denial::malformed);
  CHECK(why(make_key(access_role::read, "shop", now).text) == access_denial::unknown);
  auto wrong = x.made.text;
  wrong.back() = wrong.back() == 'A' ? 'B' : 'A';
  CHECK(why(wrong) == access_denial::unknown);
  x.made.key.revoked_us = now;
  x.publish();
  CHECK(why(x.made.text) == access_denial::revoked);
  CHECK(why(wrong) == access_denial::unknown); // Who guesses learns nothing.
  CHECK_FALSE(x.gate.still_holds(x.made.key.id, now));
  CHECK_FALSE(x.gate.has_somebody(now));
  CHECK(access_gate{}.check({x.made.text}, access_need::read, now).why
        == access_denial::not_known_yet);
  CHECK(access_gate{}.check({""}, access_need::nothing, now).why == access_denial::none);
}

TEST_CASE("a key ends when it expires", "[access]") {
  known x{access_role::read, "shop"};
  x.made.key.expires_us = now + second;
  x.publish();
  CHECK(x.why(access_need::read, now + second - 1) == access_denial::none);
  CHECK(x.gate.still_holds(x.made.key.id, now + second - 1));
  CHECK(x.why(access_need::read, now + second) == access_denial::expired);
  CHECK_FALSE(x.gate.still_holds(x.made.key.id, now + second));
  CHECK_FALSE(x.gate.has_somebody(now + second));
}

TEST_CASE("the site comes from the key", "[access]") {
  known x{access_role::admin, "shop"};
  const auto who = x.gate.check({x.made.text}, access_need::read, now).who;
  std::string site;
  CHECK(who.covers(site));
  CHECK(site == "shop");
  CHECK(who.covers(site));
  site = "other";
  CHECK_FALSE(who.covers(site));
  CHECK(site == "other");
  known all{access_role::admin, "*"};
  CHECK(all.gate.check({all.made.text}, access_need::read, now).who.covers(site));
  CHECK(principal{}.covers(site));
  site.clear();
  CHECK(principal{}.covers(site));
  CHECK(site.empty());
}

TEST_CASE("a rate lets five seconds' worth through at once, and then its own", "[access]") {
  rate_meter meter;
  auto at = now;
  for (uint32_t i = 0; i < 50; ++i) {
    const auto x = meter.take(10, 1, at);
    CHECK(x.taken);
    CHECK(x.limit == 50);
    CHECK(x.remaining == 49 - i);
  }
  const auto refused = meter.take(10, 1, at);
  CHECK_FALSE(refused.taken);
  CHECK(refused.remaining == 0);
  CHECK(refused.reset_s == 1);
  uint32_t taken = 0;
  for (int ms = 0; ms < 10'000; ++ms)
    taken += meter.take(10, 1, at += 1'000).taken;
  CHECK(taken == 100);
  rate_meter fast;
  CHECK(fast.take(600'000, 3'000'000, now).taken);
  taken = 0;
  for (int us = 0; us < 1'000'000; ++us)
    taken += fast.take(600'000, 1, now + us).taken;
  CHECK(taken > 599'800);
  CHECK(taken < 600'003);
  CHECK(meter.take(0, 1'000'000, at).taken); // No limit.
  CHECK(meter.take(0, 1, at).limit == 0);
}

TEST_CASE("a batch beyond the rate passes when nothing is owed, and is paid for", "[access]") {
  rate_meter meter;
  CHECK(meter.take(10, 1'000, now).taken);
  CHECK_FALSE(meter.take(10, 1, now + 94 * second).taken);
  CHECK(meter.take(10, 1, now + 96 * second).taken);
  CHECK_FALSE(meter.take(10, 1'000, now + 97 * second).taken);
  CHECK(meter.take(10, 1'000, now + 101 * second).taken);
}

TEST_CASE("what a key has used outlives a change of other keys", "[access]") {
  known x{access_role::ingest, "shop"};
  x.made.key.rate = 1;
  x.publish();
  const auto take = [&] {
    return x.gate.check({x.made.text}, access_need::ingest, now).who.take(5, now).taken;
  };
  CHECK(take());
  x.publish();
  CHECK_FALSE(take());
  REQUIRE(x.gate.used_since_noted().size() == 1);
  CHECK(x.gate.used_since_noted()[0].second == now / second / 86'400);
  x.made.key.used_day = now / second / 86'400;
  x.publish();
  CHECK(x.gate.used_since_noted().empty());
}

TEST_CASE("the bearer is what follows the word", "[access]") {
  CHECK(bearer_of("Bearer abc") == "abc");
  CHECK(bearer_of("bearer   abc") == "abc");
  CHECK(bearer_of("Basic abc").empty());
  CHECK(bearer_of("Bearer").empty());
  CHECK(bearer_of("Bearer  ").empty());
  CHECK(bearer_of("").empty());
}

TEST_CASE("a session opens what its person may, until it ends", "[access]") {
  constexpr int64_t day = 86'400 * second;
  const auto token = make_session_token();
  access_rows rows;
  rows.users = {{"ada", "", access_role::admin, "shop", now}};
  rows.sessions = {{session_id_of(token), "ada", now, now / day},
                   {session_id_of("other"), "gone", now, now / day}};
  access_gate gate;
  CHECK_FALSE(gate.has_somebody(now));
  gate.publish(rows);
  CHECK(gate.has_somebody(now));
  const auto why = [&](std::string_view session, access_need need, int64_t at) {
    return gate.check({{}, session}, need, at).why;
  };
  CHECK(why(token, access_need::read, now) == access_denial::none);
  CHECK(why(token, access_need::all_admin, now) == access_denial::role);
  CHECK(why("other", access_need::read, now) == access_denial::missing);
  CHECK(why("guess", access_need::read, now) == access_denial::missing);
  CHECK(gate.check({}, access_need::read, now).why == access_denial::missing);
  CHECK(gate.signed_in(token, now).person == "ada");
  CHECK(gate.signed_in("guess", now).id.empty());
  CHECK(gate.still_holds(session_id_of(token), now));
  // Used every few days it lasts 30 days; unused, 7 whole ones.
  for (int64_t days : {6, 12, 18, 24, 29})
    CHECK(why(token, access_need::read, now + days * day) == access_denial::none);
  CHECK(why(token, access_need::read, now + 30 * day) == access_denial::missing);
  access_gate idle;
  idle.publish(rows);
  CHECK(idle.signed_in(token, now + 7 * day - second).person == "ada");
  CHECK(idle.check({{}, token}, access_need::read, now + 9 * day).why == access_denial::missing);
  CHECK_FALSE(idle.still_holds(session_id_of(token), now + 9 * day));
}

TEST_CASE("a cookie is found among others", "[access]") {
  CHECK(session_of("footfall=abc") == "abc");
  CHECK(session_of("a=b; __Host-footfall=abc; c=d") == "abc");
  CHECK(session_of("footfall=theirs; __Host-footfall=ours") == "ours");
  CHECK(session_of("notfootfall=abc; footfall2=x").empty());
  CHECK(session_of("footfall").empty());
  CHECK(session_of(";;; =; ").empty());
}

TEST_CASE("a password is known by its hash alone", "[access]") {
  const auto hash = hash_password("correct horse battery");
  CHECK(hash.starts_with("$argon2id$"));
  CHECK(hash != hash_password("correct horse battery"));
  CHECK(is_password_of(hash, "correct horse battery"));
  CHECK_FALSE(is_password_of(hash, "correct horse batterY"));
  CHECK_FALSE(is_password_of("", "nobody has this password"));
  CHECK_FALSE(is_password_of("no hash", "x"));
  CHECK(check_password("12 characters").empty());
  CHECK_FALSE(check_password("11 chars ab").empty());
  CHECK(check_password("äääääääääääü").empty());
  CHECK_FALSE(check_password(std::string(257, 'x')).empty());
}
