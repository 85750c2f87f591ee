#include "db/postgres/migrations.hpp"

#include <string_view>
#include <thread>
#include <vector>

#include "db/schema/migration.hpp"

namespace footfall {

/// Made from db/schema/postgres by cmake/EmbedSql.cmake.
const std::vector<migration>& postgres_migrations();

namespace postgres {

namespace {

using namespace std::chrono_literals;

constexpr auto migrate_time_max = 10min;
constexpr auto lock_time_max = 60s;

// One number for all programs that migrate this database.
constexpr statement lock{"lock", "SELECT pg_try_advisory_lock(1181708148)"};
constexpr const char* unlock_sql = "SELECT pg_advisory_unlock_all()";

constexpr statement encoding{"encoding", "SELECT current_setting('server_encoding')"};
constexpr statement is_there{"is_there", "SELECT to_regclass('core.migrations') IS NOT NULL"};
constexpr statement newest{"newest", "SELECT coalesce(max(version), 0) FROM core.migrations"};
/// $1 the step that makes it
constexpr statement unfinished{"unfinished", R"(
  SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class i ON i.oid = indexrelid
   WHERE NOT indisvalid AND i.relnamespace = 'core'::regnamespace AND strpos($1, i.relname) > 0)"};
constexpr statement identity{"identity", "SELECT identity::text FROM core.store"};

// Asked again and again: who waits in a statement keeps a snapshot, and an index that is
// built beside others waits for the end of that.
caf::error take_lock(connection& c) {
  const auto until = std::chrono::steady_clock::now() + lock_time_max;
  while (true) {
    auto rows = c.run(lock, {});
    if (!rows.ok())
      return to_error(rows, "cannot lock the schema");
    if (rows.boolean(0, 0))
      return caf::none;
    if (std::chrono::steady_clock::now() > until)
      return make_error(errc::store_unavailable,
                        "cannot lock the schema: another Footfall migrates it");
    std::this_thread::sleep_for(100ms);
  }
}

std::string note(const migration& step) {
  return "INSERT INTO core.migrations (version, name) VALUES (" + std::to_string(step.version)
         + ", '" + step.name + "')";
}

result try_in_transaction(connection& c, const migration& step) {
  auto done = c.exec("BEGIN; SET LOCAL lock_timeout = '500ms'; CREATE SCHEMA IF NOT EXISTS core;"
                     "CREATE TABLE IF NOT EXISTS core.migrations (version int PRIMARY KEY,"
                     " name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());"
                         + std::string(step.sql) + "; " + note(step) + "; COMMIT",
                     migrate_time_max);
  if (!done.ok())
    c.exec("ROLLBACK");
  return done;
}

// Nodes of the version before go on meanwhile, and all that they ask would wait behind a lock
// that is waited for, as behind a dump of the table: so each try is short.
result in_transaction(connection& c, const migration& step) {
  const auto until = std::chrono::steady_clock::now() + lock_time_max;
  while (true) {
    auto done = try_in_transaction(c, step);
    if (done.state != "55P03" || std::chrono::steady_clock::now() > until)
      return done;
    std::this_thread::sleep_for(2s);
  }
}

/// An index that is built while others write stands in no transaction. One that was not
/// finished is in the way, and of no use.
result beside_others(connection& c, const migration& step) {
  const std::string sql = step.sql;
  parameters values;
  values.add_text(sql);
  const auto old = c.run(unfinished, values);
  if (!old.ok())
    return {old.state, old.text};
  for (int i = 0; i < old.rows(); ++i)
    if (auto done =
            c.exec("DROP INDEX CONCURRENTLY " + std::string(old.bytes(i, 0)), migrate_time_max);
        !done.ok())
      return done;
  auto done = c.exec(sql, migrate_time_max);
  return done.ok() ? c.exec(note(step)) : std::move(done);
}

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
    const bool beside = std::string_view{step.sql}.find("CONCURRENTLY") != std::string_view::npos;
    if (auto done = beside ? beside_others(c, step) : in_transaction(c, step); !done.ok())
      return to_error(done, std::string("migration ") + step.name + " failed");
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

int newest_schema() {
  return postgres_migrations().back().version;
}

caf::error bring_schema_up(connection& c) {
  if (auto err = c.ensure())
    return err;
  if (auto err = take_lock(c))
    return err;
  auto err = migrate(c);
  c.exec(unlock_sql);
  return err;
}

caf::expected<opened> open_database(connection& c, const std::string& log) {
  if (auto err = c.ensure())
    return err;
  if (auto err = take_lock(c))
    return err;
  auto err = migrate(c);
  caf::expected<opened> out = err ? caf::expected<opened>{std::move(err)} : look_up(c, log);
  c.exec(unlock_sql);
  return out;
}

} // namespace postgres
} // namespace footfall
