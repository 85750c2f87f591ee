#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <libpq-fe.h>

#include "db/postgres/postgres_store.hpp"
#include "tests/contract/lease_calls.hpp"
#include "tests/contract/rigs_postgres.hpp"
#include "tests/support/postgres_server.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

std::unique_ptr<store> open(const std::string& url) {
  postgres_config config;
  config.url = url;
  auto out = postgres_store::open(config);
  if (!out)
    throw std::runtime_error(text_of(out.error()));
  return std::move(*out);
}

std::unique_ptr<scratch_database> make_database() {
  const char* admin = std::getenv("FOOTFALL_TEST_POSTGRES");
  return admin && *admin ? std::make_unique<scratch_database>(admin) : nullptr;
}

/// Ends the session of a node's last beat.
void end_session(const scratch_database& at, const std::string& name) {
  at.run("SELECT pg_terminate_backend(backend_pid) FROM cluster_nodes WHERE name = '" + name + "'");
}

/// Stops the server process behind the session of a node's last beat, and lets it go on at the
/// end: its connection stands, and says nothing.
class stopped_session {
public:
  stopped_session(const scratch_database& at, const std::string& name)
      : process_(
          std::stoi(at.run("SELECT backend_pid FROM cluster_nodes WHERE name = '" + name + "'"))) {
    std::string is;
    std::getline(std::ifstream("/proc/" + std::to_string(process_) + "/comm"), is);
    REQUIRE(is == "postgres"); // The tests run as root, beside their PostgreSQL.
    REQUIRE(kill(process_, SIGSTOP) == 0);
  }
  ~stopped_session() { go_on(); }
  void go_on() {
    if (process_ != 0)
      kill(std::exchange(process_, 0), SIGCONT);
  }

private:
  pid_t process_;
};

/// A session in a transaction that has written to the partitions, or what `sql` says.
class holder {
public:
  explicit holder(const scratch_database& at,
                  const char* sql = "UPDATE partition_progress SET next_offset = next_offset")
      : session_(PQconnectdb(at.url().c_str())) {
    run("BEGIN");
    run(sql);
  }
  void end() { run("ROLLBACK"); }
  void commit() { run("COMMIT"); }

private:
  struct closer {
    void operator()(PGconn* x) const { PQfinish(x); }
  };
  void run(const char* sql) {
    std::unique_ptr<PGresult, void (*)(PGresult*)> done{PQexec(session_.get(), sql), PQclear};
    REQUIRE(PQresultStatus(done.get()) == PGRES_COMMAND_OK);
  }
  std::unique_ptr<PGconn, closer> session_;
};

} // namespace

TEST_CASE("a beat waits for no claim, apply or read", "[contract][postgres][lease]") {
  const auto at = make_database();
  if (!at)
    return;
  const auto db = open(at->url());
  member a{*db, "a"};
  const auto epoch = a.take(1);
  holder other{*at};
  answer<caf::expected<partition_claim>> claimed;
  answer<caf::expected<apply_result>> applied;
  db->claim(0, claimed.callback());
  db->apply(batch(1, epoch, 0, 1, {row(0, "e", "/a", "u")}), applied.callback());
  for (int i = 0; i < 3; ++i)
    CHECK(a.beat().renewed);
  CHECK_FALSE(applied.is_ready());
  other.end();
  CHECK(applied.get()->moved);
  claimed.get();
}

TEST_CASE("a connection that says nothing holds one beat up, and no other",
          "[contract][postgres][lease]") {
  const auto at = make_database();
  if (!at)
    return;
  const auto one = open(at->url());
  const auto two = open(at->url());
  member a{*one, "a"}, b{*two, "b"};
  a.beat();
  stopped_session silent{*at, "a"};
  std::vector<answer<caf::expected<beat_answer>>> beats(50);
  const auto held = std::find_if(beats.begin(), beats.end(), [&](auto& beat) {
    ++a.says.number;
    one->nodes().beat(a.says, beat.callback());
    return !eventually([&] { return beat.is_ready(); },
                       std::chrono::seconds{3}); // Any connection may get it.
  });
  REQUIRE(held != beats.end());
  for (int i = 0; i < 5; ++i)
    CHECK(a.beat().renewed);
  CHECK_FALSE(held->is_ready());
  CHECK(b.sees("a") == sight::live);
  silent.go_on();
  const auto x = held->get();
  REQUIRE(x);
  CHECK(x->renewed); // By the later ones.
  CHECK(x->nodes.size() == 2);
  for (const auto& node : b.beat().nodes)
    CHECK((node.id.node == "b" || node.beat == a.says.number));
}

TEST_CASE("of a lease the store gives what is not spent, and tells others how long it runs on",
          "[contract][postgres][lease]") {
  const auto at = make_database();
  if (!at)
    return;
  const auto one = open(at->url());
  const auto two = open(at->url());
  member a{*one, "a"}, b{*two, "b"};
  const auto left = [&] {
    for (const auto& x : b.beat().nodes)
      if (x.id.node == "a")
        return x.left_us.value();
    throw std::runtime_error("a is not there");
  };
  a.says.lease_us = 600'000'000;
  a.says.spent_us = 200'000'000;
  a.beat();
  CHECK(left() <= 400'000'000);
  CHECK(left() > 400'000'000 - 60'000'000);
  a.says.spent_us = 599'999'000;
  a.beat();
  b.says.lease_us = 1'000; // So that the server has been up for as long.
  CHECK(eventually([&] { return b.sees("a") == sight::late; }));
  CHECK(left() < 0);
  CHECK(left() > -60'000'000);
}

TEST_CASE("a beat that waits for another writer of its row is answered as that one left it",
          "[contract][postgres][lease]") {
  const auto at = make_database();
  if (!at)
    return;
  const auto db = open(at->url());
  member a{*db, "a"};
  a.beat();
  std::string writes;
  std::optional<bool> renewed;
  SECTION("a later process") {
    writes = "UPDATE cluster_nodes SET incarnation = incarnation + 1";
    renewed = false;
  }
  SECTION("a later beat of the same") {
    writes = "UPDATE cluster_nodes SET beat = beat + 10";
    renewed = true;
  }
  SECTION("its first beat, which came second") { // It failed, and says nothing.
    at->run("CREATE TABLE kept AS SELECT * FROM cluster_nodes; DELETE FROM cluster_nodes;"
            "UPDATE kept SET beat = beat + 10");
    writes = "INSERT INTO cluster_nodes SELECT * FROM kept";
  }
  holder later{*at, writes.c_str()};
  answer<caf::expected<beat_answer>> waits;
  ++a.says.number;
  db->nodes().beat(a.says, waits.callback());
  CHECK(eventually([&] {
    return at->run("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                   " AND datname = current_database()")
           == "1";
  }));
  later.commit();
  const auto x = waits.get();
  CHECK(bool{x} == renewed.has_value());
  if (x && renewed)
    CHECK(x->renewed == *renewed);
}

TEST_CASE("a node that connects anew is gone until its next beat", "[contract][postgres][lease]") {
  const auto at = make_database();
  if (!at)
    return;
  const auto one = open(at->url());
  const auto two = open(at->url());
  member a{*one, "a"}, b{*two, "b"};
  const auto epoch = a.take(1);
  const auto seen = b.sees(1);
  end_session(*at, "a");
  CHECK(eventually([&] { return b.sees("a") == sight::gone; }));
  CHECK(eventually([&] {
    const auto x = a.try_beat();
    return x && x->renewed;
  }));
  CHECK(b.sees("a") == sight::live);
  CHECK_FALSE(b.claim(seen, true).granted);
  // Its other connections say nothing about the node, nor does the end of theirs.
  at->run("SELECT pg_terminate_backend(owner_pid) FROM partition_progress WHERE part = 1");
  CHECK(b.sees("a") == sight::live);
  CHECK_FALSE(b.claim(seen, true).granted);
  CHECK(eventually([&] { return bool{apply(*one, batch(1, epoch, 0, 0, {}))}; }));
}

TEST_CASE("nodes need no superuser to see each other end", "[contract][postgres][lease]") {
  const auto at = make_database();
  if (!at)
    return;
  const owner_role role{*at, at->run("SELECT current_database()") + "_owner"};
  auto one = open(role.url());
  const auto two = open(role.url());
  std::optional<member> a{std::in_place, *one, "a"};
  member b{*two, "b"};
  a->take(1);
  const auto seen = b.sees(1);
  CHECK(b.sees("a") == sight::live);
  CHECK_FALSE(b.claim(seen, true).granted);
  a.reset();
  one.reset();
  CHECK(eventually([&] { return b.sees("a") == sight::gone; }));
  CHECK(b.claim(seen, true).granted);
}

TEST_CASE("a node of another role is never taken for gone while it is there",
          "[contract][postgres][lease]") {
  const auto at = make_database();
  if (!at)
    return;
  const auto one = open(at->url()); // A superuser, whose sessions the other may not see.
  member a{*one, "a"};
  a.take(1);
  const owner_role role{*at, at->run("SELECT current_database()") + "_owner"};
  at->run("GRANT ALL ON ALL TABLES IN SCHEMA core, public TO PUBLIC");
  at->run("GRANT ALL ON ALL SEQUENCES IN SCHEMA core TO PUBLIC");
  at->run("GRANT USAGE ON SCHEMA core TO PUBLIC");
  const auto two = open(role.url());
  member b{*two, "b"};
  const auto seen = b.sees(1);
  CHECK(b.sees("a") == sight::live);
  CHECK_FALSE(b.claim(seen, true).granted);
}

TEST_CASE("a claim with a lease ends the connection of a stuck owner",
          "[contract][postgres][lease]") {
  const auto at = make_database();
  if (!at)
    return;
  const auto one = open(at->url());
  const auto two = open(at->url());
  member a{*one, "a"}, b{*two, "b"};
  a.says.lease_us = 1'000;
  const auto epoch = a.take(1);
  auto stuck = std::async(std::launch::async, [&] {
    at->run(
        "BEGIN; UPDATE partition_progress SET owner_pid = pg_backend_pid(), owner_started = (SELECT"
        " backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()); COMMIT; BEGIN;"
        " UPDATE partition_progress SET next_offset = next_offset + 7; SELECT pg_sleep(60)");
  });
  REQUIRE(eventually([&] {
    return at->run("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
                   " AND datname = current_database()")
           == "1";
  }));
  const auto taken = b.claim(b.sees(1));
  CHECK_THROWS(stuck.get());
  CHECK(taken.granted);
  CHECK(taken.epoch > epoch);
  CHECK(taken.next_offset == 0);
}

TEST_CASE("while the database is away leases are unavailable, and nothing is told",
          "[contract][postgres][lease]") {
  const auto at = make_database();
  if (!at)
    return;
  const auto name = at->run("SELECT current_database()");
  const auto db = open(at->url());
  member a{*db, "a"};
  const auto epoch = a.take(1);
  const auto seen = a.sees(1);
  at->run_as_admin("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false");
  at->run_as_admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + name
                   + "'");
  const auto is_away = [](const caf::error& x) { return code_of(x) == errc::store_unavailable; };
  CHECK(is_away(a.try_beat().error()));
  CHECK(is_away(join(*db).error()));
  CHECK(is_away(a.try_claim(seen).error()));
  CHECK(is_away(a.release(1, epoch).error()));
  CHECK(is_away(a.leave().error()));
  at->run_as_admin("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true");
  CHECK(eventually([&] { return bool{a.try_beat()}; }));
  const auto now = a.sees(1);
  CHECK(now.owner == a.me());
  CHECK(now.epoch == epoch);
  CHECK(a.leave().value());
}

TEST_CASE("nobody is late or gone for as long as a lease after the server began",
          "[contract][postgres][lease]") {
  if (!std::getenv("FOOTFALL_TEST_POSTGRES"))
    return;
  postgres_server server;
  const auto one = open(server.url());
  const auto two = open(server.url());
  member a{*one, "a"}, b{*two, "b"};
  a.says.lease_us = 1'000;
  b.says.lease_us = 1'000;
  a.take(1);
  const auto seen = b.sees(1);
  CHECK(eventually([&] { return b.sees("a") == sight::late; }));
  SECTION("after a crash and a start") {
    server.kill9();
    CHECK(code_of(b.try_beat().error()) == errc::store_unavailable);
    server.start();
    b.says.lease_us = 600'000'000;
  }
  std::optional<scratch_database> at; // To its end: dropping it may take longer than the lease.
  SECTION("after a crash of a backend, which keeps the server's start") {
    at.emplace(server.url());
    at->run("SELECT pg_stat_reset_shared('wal')"); // The statistics begin anew for all databases.
    // As long as the server is up: it is the crash that was too short a time ago.
    b.says.lease_us = std::stoll(at->run("SELECT floor(extract(epoch FROM clock_timestamp()"
                                         " - pg_postmaster_start_time()) * 1000000)::bigint"));
  }
  REQUIRE(eventually([&] { return bool{b.try_beat()}; }));
  CHECK(b.sees("a") == sight::live);
  b.says.lease_us = 1'000; // As if it had run long enough.
  CHECK(eventually([&] { return b.sees("a") == sight::late; }));
  CHECK(b.claim(seen).granted);
}

TEST_CASE("a node that never came back is forgotten after a day", "[contract][postgres][lease]") {
  const auto at = make_database();
  if (!at)
    return;
  const auto db = open(at->url());
  member a{*db, "a"}, b{*db, "b"};
  a.beat();
  CHECK(b.beat().nodes.size() == 2);
  at->run("UPDATE cluster_nodes SET expires_at = now() - interval '23 hours' WHERE name = 'a'");
  REQUIRE(join(*db));
  CHECK(b.beat().nodes.size() == 2);
  at->run("UPDATE cluster_nodes SET expires_at = now() - interval '25 hours' WHERE name = 'a'");
  REQUIRE(join(*db));
  CHECK(b.beat().nodes.size() == 1);
}
