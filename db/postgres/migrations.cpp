#include "db/postgres/migrations.hpp"

#include <vector>

#include "db/schema/migration.hpp"

namespace footfall {

/// Made from db/schema/postgres by cmake/EmbedSql.cmake.
const std::vector<migration>& postgres_migrations();

namespace postgres {

namespace {

using namespace std::chrono_literals;

constexpr auto migrate_time_max = 10min;

// One number for all programs that migrate this database.
constexpr const char* lock_sql = "SET lock_timeout = '60s'; SELECT pg_advisory_lock(1181708148)";
constexpr const char* unlock_sql = "RESET lock_timeout; SELECT pg_advisory_unlock_all()";

constexpr statement encoding{"encoding", "SELECT current_setting('server_encoding')"};
constexpr statement is_there{"is_there", "SELECT to_regclass('core.migrations') IS NOT NULL"};
constexpr statement newest{"newest", "SELECT coalesce(max(version), 0) FROM core.migrations"};
constexpr statement identity{"identity", "SELECT identity::text FROM core.store"};
caf::error migrate(connection& c) {
  auto rows = c.run(encoding, {});
  if (!rows.ok())
    return to_error(rows, "cannot read the database's encoding");
  if (rows.bytes(0, 0) != "UTF8")
    return make_error(errc::invalid_argument, "the database is in " + std::string(rows.bytes(0, 0))
                                                  + "; create it with ENCODING 'UTF8'");
  rows = c.run(is_there, {});
  if (!rows.ok())
    return to_error(rows, "cannot look for the schema");
  int version = 0;
  if (rows.boolean(0, 0)) {
    rows = c.run(newest, {});
    if (!rows.ok())
      return to_error(rows, "cannot read the schema's version");
    version = rows.int4(0, 0);
  }
  const auto& all = postgres_migrations();
  if (version > all.back().version)
    return make_error(errc::invalid_argument,
                      "the database has schema version " + std::to_string(version)
                          + ", this program knows " + std::to_string(all.back().version)
                          + "; run a newer Footfall");
  for (const auto& step : all) {
    if (step.version <= version)
      continue;
    auto done = c.exec("BEGIN; CREATE SCHEMA IF NOT EXISTS core;"
                       "CREATE TABLE IF NOT EXISTS core.migrations (version int PRIMARY KEY,"
                       " name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());"
                           + std::string(step.sql)
                           + "; INSERT INTO core.migrations (version, name) VALUES ("
                           + std::to_string(step.version) + ", '" + step.name + "'); COMMIT",
                       migrate_time_max);
    if (!done.ok()) {
      c.exec("ROLLBACK");
      return to_error(done, std::string("migration ") + step.name + " failed");
    }
  }
  return caf::none;
}

caf::expected<opened> look_up(connection& c, const std::string& log) {
  auto now = register_log(c, log);
  if (!now)
    return std::move(now.error());
  opened out;
  out.now = std::move(*now);
  auto rows = c.run(identity, {});
  if (!rows.ok() || rows.rows() == 0)
    return to_error(rows, "cannot read the store's identity");
  out.identity = rows.bytes(0, 0);
  out.server_no = c.server_no();
  return out;
}

} // namespace

caf::expected<opened> open_database(connection& c, const std::string& log) {
  if (auto err = c.ensure())
    return err;
  if (auto done = c.exec(lock_sql, 70s); !done.ok())
    return to_error(done, "cannot lock the schema: another Footfall migrates it");
  auto err = migrate(c);
  caf::expected<opened> out = err ? caf::expected<opened>{std::move(err)} : look_up(c, log);
  c.exec(unlock_sql);
  return out;
}

} // namespace postgres
} // namespace footfall
