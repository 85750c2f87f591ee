#include <catch2/catch.hpp>

#include <cstdlib>

#include <libpq-fe.h>
#include <unistd.h>

#include "db/postgres/tenure.hpp"
#include "tests/contract/await.hpp"
#include "tests/contract/rigs_postgres.hpp"

using namespace footfall;
using namespace footfall::test;
using Catch::Contains;
using postgres::tenure;

namespace {

/// Of the lock that is held in this database.
std::string of_the_lock(const scratch_database& at, const std::string& what) {
  std::string sql = "SELECT ";
  sql += what;
  sql += " FROM pg_locks WHERE locktype = 'advisory' AND granted AND database ="
         " (SELECT oid FROM pg_database WHERE datname = current_database())";
  return at.run(sql);
}

std::unique_ptr<tenure> take(const scratch_database& at, const char* topic = "clicks") {
  auto out = tenure::take(at.url(), topic);
  if (!out)
    throw std::runtime_error(text_of(out.error()));
  return std::move(*out);
}

std::string session(const scratch_database& at) {
  return of_the_lock(at, "coalesce(max(pid), 0)");
}

} // namespace

TEST_CASE("a topic of a database has one node at a time", "[contract][postgres]") {
  const char* admin = std::getenv("FOOTFALL_TEST_POSTGRES");
  if (!admin)
    return;
  scratch_database database{admin};
  auto first = take(database);
  auto second = tenure::take(database.url(), "clicks");
  REQUIRE_FALSE(second);
  CHECK(code_of(second.error()) == errc::in_use);
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  CHECK_THAT(text_of(second.error()), Contains("process " + std::to_string(getpid()) + " on "
                                               + std::string(host).substr(0, 8))
                                          && Contains("since 2") && Contains("topic clicks"));
  CHECK(take(database, "other"));
  first.reset();
  CHECK(eventually([&] { return static_cast<bool>(tenure::take(database.url(), "clicks")); }));
}

TEST_CASE("who loses the connection is there again, unless another one is",
          "[contract][postgres]") {
  const char* admin = std::getenv("FOOTFALL_TEST_POSTGRES");
  if (!admin)
    return;
  scratch_database database{admin};
  auto node = take(database);
  const auto before = session(database);
  SECTION("nobody else") {
    database.run("SELECT pg_terminate_backend(" + before + ")");
    CHECK(eventually([&] { return session(database) != "0" && session(database) != before; }));
    CHECK(node->lost().empty());
  }
  SECTION("one who waited for it") {
    const auto key = of_the_lock(database, "(classid::bigint << 32) | objid::bigint");
    struct end {
      void operator()(PGconn* x) const { PQfinish(x); }
    };
    std::unique_ptr<PGconn, end> other{PQconnectdb(database.url().c_str())};
    REQUIRE(PQsendQuery(other.get(), ("SELECT pg_advisory_lock(" + key + ")").c_str()));
    REQUIRE(eventually([&] {
      return database.run("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
                          " AND NOT granted")
             == "1";
    }));
    database.run("SELECT pg_terminate_backend(" + before + ")");
    CHECK(eventually([&] { return !node->lost().empty(); }));
    CHECK_THAT(node->lost(), Contains("another node applies topic clicks"));
  }
}
