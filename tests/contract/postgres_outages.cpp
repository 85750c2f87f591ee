#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <functional>
#include <thread>

#include <libpq-fe.h>

#include "db/postgres/postgres_store.hpp"
#include "db/postgres/session_check.hpp"
#include "tests/contract/rigs_postgres.hpp"
#include "tests/contract/store_calls.hpp"

using namespace footfall;
using namespace footfall::test;

namespace {

std::unique_ptr<scratch_database> make_database() {
  const char* admin = std::getenv("FOOTFALL_TEST_POSTGRES");
  return admin && *admin ? std::make_unique<scratch_database>(admin) : nullptr;
}

std::unique_ptr<store> open(const std::string& url) {
  postgres_config config;
  config.url = url;
  auto out = postgres_store::open(config);
  if (!out)
    FAIL(text_of(out.error()));
  return std::move(*out);
}

/// Ends `most` of the sessions that a store has there.
void end_sessions(const scratch_database& at, const std::string& name, int most) {
  at.run_as_admin("SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE"
                  " application_name = 'footfall' AND datname = '"
                  + name + "' LIMIT " + std::to_string(most) + ") x");
}

/// Asks for many things at once. @returns how many got no answer.
size_t failed_reads(store& db) {
  std::vector<answer<caf::expected<std::vector<partition_state>>>> replies(100);
  for (auto& x : replies)
    db.progress(x.callback());
  size_t failed = 0;
  for (auto& x : replies)
    if (!x.get())
      ++failed;
  return failed;
}

} // namespace

TEST_CASE("postgres_store is whole again as soon as one connection is", "[contract][postgres]") {
  const auto at = make_database();
  if (!at)
    return;
  const auto name = at->run("SELECT current_database()");
  const auto db = open(at->url());
  // One for each connection but the second reader's.
  const std::array<std::function<bool()>, 5> kinds{
      [&] { return bool{progress(*db)}; }, [&] { return bool{claim(*db, 0)}; },
      [&] { return bool{claim(*db, 1)}; }, [&] { return bool{fold(*db, 0, 0, 0)}; },
      [&] { return bool{audit(*db)}; }};
  for (const auto& works : kinds)
    REQUIRE(works());
  at->run_as_admin("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false");
  end_sessions(*at, name, 100);
  // Until the pauses between attempts are long.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{2};
  REQUIRE(eventually([&] {
    for (const auto& works : kinds)
      CHECK_FALSE(works());
    return std::chrono::steady_clock::now() > until;
  }));
  at->run_as_admin("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true");
  REQUIRE(eventually(kinds[0]));
  for (const auto& works : kinds)
    CHECK(works());
}

TEST_CASE("postgres_store reads while only one of its readers gets in", "[contract][postgres]") {
  const auto at = make_database();
  if (!at)
    return;
  const owner_role role{*at, at->run("SELECT current_database()") + "_owner"};
  const auto db = open(role.url());
  SECTION("the other one never did") {
    REQUIRE(eventually([&] { return role.connections() == "1" && db->health().empty(); }));
    role.limit(1);
    for (int round = 0; round < 20; ++round)
      CHECK(failed_reads(*db) == 0);
  }
  SECTION("the other one loses its connection") {
    REQUIRE(eventually([&] { return failed_reads(*db) == 0 && role.connections() == "2"; }));
    role.limit(1);
    end_sessions(*at, at->run("SELECT current_database()"), 1);
    for (int round = 0; round < 20; ++round)
      CHECK(failed_reads(*db) == 0);
  }
  CHECK(role.connections() == "1");
  // The one that waited takes part once it may.
  role.limit(-1);
  CHECK(eventually([&] { return failed_reads(*db) == 0 && role.connections() == "2"; }));
}

TEST_CASE("postgres looks at sessions with few of them", "[contract][postgres]") {
  const auto at = make_database();
  if (!at)
    return;
  const owner_role role{*at, at->run("SELECT current_database()") + "_owner"};
  role.limit(6); // Two, and those that PostgreSQL has not ended yet.
  const postgres::stop_signal never;
  std::array<caf::error, 12> found;
  std::vector<std::thread> lookers;
  for (auto& x : found)
    lookers.emplace_back(
        [&] { x = postgres::check_session(postgres::servers_of(role.url()), never); });
  for (auto& x : lookers)
    x.join();
  for (const auto& x : found)
    CHECK((x ? text_of(x) : "") == "");
}

TEST_CASE("postgres_store goes on in its incarnation when a look at the server fails",
          "[contract][postgres][store_back]") {
  const auto at = make_database();
  if (!at)
    return;
  const auto name = at->run("SELECT current_database()");
  const auto db = open(at->url());
  const auto mine = claim(*db, 0);
  REQUIRE(mine);
  // What the look needs and nothing else does is held up, until a timeout of the session.
  std::unique_ptr<PGconn, void (*)(PGconn*)> holder{PQconnectdb(at->url().c_str()), PQfinish};
  auto hold = [&](const char* sql) {
    std::unique_ptr<PGresult, void (*)(PGresult*)> done{PQexec(holder.get(), sql), PQclear};
    return PQresultStatus(done.get()) == PGRES_COMMAND_OK;
  };
  REQUIRE(hold("BEGIN; LOCK TABLE pg_catalog.pg_stat_wal"));
  end_sessions(*at, name, 100);
  CHECK(eventually([&] {
    return db->incarnation() != mine->incarnation
           || db->health().find("which server it is") != std::string::npos;
  }));
  CHECK(hold("ROLLBACK"));
  CHECK(eventually([&] { return bool{progress(*db)} && db->health().empty(); }));
  const auto again = claim(*db, 0);
  REQUIRE(again);
  CHECK(again->incarnation == mine->incarnation);
  CHECK(db->incarnation() == mine->incarnation);
}
