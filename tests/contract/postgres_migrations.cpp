#include <catch2/catch.hpp>

#include <array>
#include <cstdlib>
#include <thread>

#include <libpq-fe.h>

#include "db/postgres/postgres_store.hpp"
#include "db/schema/migration.hpp"
#include "tests/contract/await.hpp"
#include "tests/contract/rigs_postgres.hpp"

using namespace footfall;
using namespace footfall::test;

namespace footfall {
const std::vector<migration>& postgres_migrations();
}

namespace {

/// A database of schema version 2, with a transaction that has written to page_series: as a
/// fold of a node that still runs.
struct old_database {
  explicit old_database(const std::string& admin) : database(admin) {
    std::string sql = "CREATE SCHEMA core; CREATE TABLE core.migrations (version int PRIMARY KEY,"
                      " name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());";
    for (const auto& step : postgres_migrations())
      if (step.version <= 2)
        sql += std::string(step.sql) + "; INSERT INTO core.migrations (version, name) VALUES ("
               + std::to_string(step.version) + ", '" + step.name + "');";
    database.run(sql);
    writer.reset(PQconnectdb(database.url().c_str()));
    REQUIRE(write("BEGIN; INSERT INTO core.page_series VALUES (1, 1, 1, 1)"));
  }

  bool write(const char* sql) const {
    std::unique_ptr<PGresult, void (*)(PGresult*)> done{PQexec(writer.get(), sql), PQclear};
    return PQresultStatus(done.get()) == PGRES_COMMAND_OK;
  }
  caf::error open() const {
    postgres_config config;
    config.url = database.url();
    auto out = postgres_store::open(config);
    return out ? caf::error{} : std::move(out.error());
  }
  bool await_build() const {
    return eventually([this] {
      return database.run("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                          " AND query ~ 'CREATE INDEX' AND wait_event_type = 'Lock'")
             == "1";
    });
  }
  std::string indexes() const {
    return database.run("SELECT string_agg(indexrelid::regclass || ' ' || indisvalid, ', ')"
                        " FROM pg_index WHERE indrelid = 'core.page_series'::regclass"
                        " AND NOT indisprimary");
  }
  /// Page, type and clicks of each.
  std::string types() const {
    return database.run("SELECT string_agg(concat_ws(' ', page_no, type_no, clicks), ', '"
                        " ORDER BY page_no, type_no) FROM core.page_types");
  }

  scratch_database database;
  std::unique_ptr<PGconn, void (*)(PGconn*)> writer{nullptr, PQfinish};
};

std::unique_ptr<old_database> make_database() {
  const char* admin = std::getenv("FOOTFALL_TEST_POSTGRES");
  return admin && *admin ? std::make_unique<old_database>(admin) : nullptr;
}

} // namespace

TEST_CASE("postgres_store builds an index while others write", "[contract][postgres]") {
  const auto at = make_database();
  if (!at)
    return;
  std::array<caf::error, 2> errors{make_error(errc::internal, ""), make_error(errc::internal, "")};
  std::array<std::thread, 2> nodes; // Both migrate at once.
  for (size_t i = 0; i < nodes.size(); ++i)
    nodes[i] = std::thread{[&, i] { errors[i] = at->open(); }};
  CHECK(at->await_build());
  CHECK_NOTHROW(at->database.run("SET lock_timeout = '2s';"
                                 " INSERT INTO core.page_series VALUES (2, 1, 1, 1)"));
  CHECK(at->write("COMMIT"));
  for (auto& x : nodes)
    x.join();
  for (const auto& x : errors)
    CHECK((x ? text_of(x) : "") == "");
  CHECK(at->indexes() == ""); // A later step takes it away again.
  CHECK(at->types() == "1 1 1, 2 1 1");
}

TEST_CASE("postgres_store counts the types of pages that are folded by an older node",
          "[contract][postgres]") {
  const auto at = make_database();
  if (!at)
    return;
  CHECK(at->write("INSERT INTO core.page_series VALUES (1, 2, 1, 4), (1, 2, 7, 5); COMMIT"));
  const auto why = at->open();
  CHECK((why ? text_of(why) : "") == "");
  CHECK(at->types() == "1 1 5, 1 7 5");
  const auto* fold = "INSERT INTO core.page_series AS s VALUES (1, 2, 1, 10), (1, 3, 1, 10),"
                     " (1, 3, 7, 10), (2, 3, 1, 10)"
                     " ON CONFLICT (page_no, minute, type_no) DO UPDATE"
                     " SET clicks = s.clicks + excluded.clicks";
  CHECK(at->write(fold));
  CHECK(at->types() == "1 1 25, 1 7 15, 2 1 10");
  CHECK(at->write(fold));
  CHECK(at->types() == "1 1 45, 1 7 25, 2 1 20");
}

TEST_CASE("postgres_store builds an index again that was not finished", "[contract][postgres]") {
  const auto at = make_database();
  if (!at)
    return;
  caf::error first;
  std::thread node{[&] { first = at->open(); }};
  CHECK(at->await_build());
  at->database.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE"
                   " datname = current_database() AND wait_event_type = 'Lock'");
  node.join();
  CHECK(first);
  CHECK(at->indexes() == "core.page_series_by_type false");
  CHECK(at->write("COMMIT"));
  const auto again = at->open();
  CHECK((again ? text_of(again) : "") == "");
  CHECK(at->indexes() == "");
  CHECK(at->types() == "1 1 1");
}

TEST_CASE("postgres_store holds up no node of the version before while it waits for a table",
          "[contract][postgres]") {
  const char* admin = std::getenv("FOOTFALL_TEST_POSTGRES");
  if (!admin || !*admin)
    return;
  scratch_database database{admin};
  postgres_config config;
  config.url = database.url();
  REQUIRE(postgres_store::open(config));
  database.run("ALTER TABLE partition_progress DROP COLUMN strays, DROP COLUMN stopped_kind,"
               " DROP COLUMN stopped_why, DROP COLUMN stopped_at, DROP COLUMN stopped_offset;"
               " DROP TABLE core.access_sites, core.access_keys, core.access_users,"
               " core.access_sessions, core.access_revision;"
               " DELETE FROM core.migrations WHERE version >= 8");
  std::unique_ptr<PGconn, void (*)(PGconn*)> dump{PQconnectdb(config.url.c_str()), PQfinish};
  PQclear(PQexec(dump.get(), "BEGIN; SELECT count(*) FROM partition_progress"));
  caf::error failed;
  std::thread node{[&] {
    if (auto opened = postgres_store::open(config); !opened)
      failed = std::move(opened.error());
  }};
  auto waits = [&] {
    return database.run("SELECT count(*) FROM pg_stat_activity WHERE query ~ 'told|strays' AND"
                        " wait_event_type = 'Lock' AND datname = current_database()")
           == "1";
  };
  for (int i = 0; i < 3; ++i) {
    CHECK(eventually(waits));
    CHECK_NOTHROW(database.run("SET lock_timeout = '2s'; SELECT count(*) FROM partition_progress"));
  }
  PQclear(PQexec(dump.get(), "COMMIT"));
  node.join();
  CHECK((failed ? text_of(failed) : "") == "");
  CHECK(database.run("SELECT max(version) FROM core.migrations")
        == std::to_string(postgres_store::schema_version()));
}
