#include "db/postgres/access_tables.hpp"

#include <algorithm>

#include "db/postgres/connection.hpp"
#include "db/postgres/migrations.hpp"

namespace footfall {

namespace postgres {

namespace {

using namespace std::chrono_literals;

constexpr auto time_max = 5s;

constexpr statement has_tables{"access_tables",
                               "SELECT to_regclass('core.access_keys') IS NOT NULL"};
constexpr statement read_revision{"access_revision", "SELECT revision FROM core.access_revision"};
constexpr statement read_sites{"access_sites",
                               "SELECT site, created_at FROM core.access_sites ORDER BY site"};
constexpr statement read_keys{"access_keys", R"(
  SELECT id, digest, role, site, name, created_at, coalesce(expires_at, 'epoch'),
         coalesce(revoked_at, 'epoch'), rate, used_day
    FROM core.access_keys ORDER BY site, id)"};

/// $1 site, $2 now
constexpr statement add_site{"access_add_site", R"(
  WITH made AS (
    INSERT INTO core.access_sites (site, created_at) VALUES ($1, $2)
    ON CONFLICT DO NOTHING RETURNING 1),
  told AS (
    UPDATE core.access_revision SET revision = revision + 1
     WHERE EXISTS (SELECT 1 FROM made))
  SELECT count(*) FROM made)"};

/// $1 id, $2 digest, $3 role, $4 site, $5 name, $6 made, $7 expires (1970: never), $8 rate
constexpr statement add_key{"access_add_key", R"(
  WITH made AS (
    INSERT INTO core.access_keys (id, digest, role, site, name, created_at, expires_at, rate)
    SELECT $1, $2, $3, $4, $5, $6, nullif($7, 'epoch'::timestamptz), $8
     WHERE $4 = '*' OR EXISTS (SELECT 1 FROM core.access_sites WHERE site = $4)
    RETURNING 1),
  told AS (
    UPDATE core.access_revision SET revision = revision + 1
     WHERE EXISTS (SELECT 1 FROM made))
  SELECT count(*) FROM made)"};

/// $1 id, $2 now
constexpr statement revoke_key{"access_revoke_key", R"(
  WITH found AS (
    UPDATE core.access_keys SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1 RETURNING 1),
  told AS (
    UPDATE core.access_revision SET revision = revision + 1
     WHERE EXISTS (SELECT 1 FROM found))
  SELECT count(*) FROM found)"};

constexpr statement read_users{"access_users", R"(
  SELECT name, password, role, site, created_at FROM core.access_users ORDER BY name)"};
constexpr statement read_sessions{"access_sessions", R"(
  SELECT id, name, created_at, used_day FROM core.access_sessions ORDER BY id)"};

/// $1 name, $2 password, $3 role, $4 site, $5 now
constexpr statement add_person{"access_add_user", R"(
  WITH made AS (
    INSERT INTO core.access_users (name, password, role, site, created_at)
    SELECT $1, $2, $3, $4, $5
     WHERE $4 = '*' OR EXISTS (SELECT 1 FROM core.access_sites WHERE site = $4)
    ON CONFLICT DO NOTHING RETURNING 1),
  told AS (
    UPDATE core.access_revision SET revision = revision + 1
     WHERE EXISTS (SELECT 1 FROM made))
  SELECT count(*) FROM made)"};

/// $1 name, $2 password
constexpr statement new_password{"access_password", R"(
  WITH ended AS (
    DELETE FROM core.access_sessions WHERE name = $1),
  found AS (
    UPDATE core.access_users SET password = $2 WHERE name = $1 RETURNING 1),
  told AS (
    UPDATE core.access_revision SET revision = revision + 1
     WHERE EXISTS (SELECT 1 FROM found))
  SELECT count(*) FROM found)"};

/// $1 name
constexpr statement drop_person{"access_remove_user", R"(
  WITH ended AS (
    DELETE FROM core.access_sessions WHERE name = $1),
  found AS (
    DELETE FROM core.access_users WHERE name = $1 RETURNING 1),
  told AS (
    UPDATE core.access_revision SET revision = revision + 1
     WHERE EXISTS (SELECT 1 FROM found))
  SELECT count(*) FROM found)"};

/// $1 id, $2 name, $3 now, $4 day, $5 sessions from before are dropped, $6 password, $7 how many
/// of the others stay
constexpr statement put_session{"access_add_session", R"(
  WITH old AS (
    DELETE FROM core.access_sessions WHERE created_at < $5 OR id IN (
      SELECT id FROM core.access_sessions WHERE name = $2 ORDER BY created_at DESC OFFSET $7)),
  made AS (
    INSERT INTO core.access_sessions (id, name, created_at, used_day)
    SELECT $1, $2, $3, $4
     WHERE EXISTS (SELECT 1 FROM core.access_users WHERE name = $2 AND password = $6)
    RETURNING 1),
  told AS (
    UPDATE core.access_revision SET revision = revision + 1
     WHERE EXISTS (SELECT 1 FROM made))
  SELECT count(*) FROM made)"};

/// $1 id
constexpr statement drop_session{"access_end_session", R"(
  WITH found AS (
    DELETE FROM core.access_sessions WHERE id = $1 RETURNING 1),
  told AS (
    UPDATE core.access_revision SET revision = revision + 1
     WHERE EXISTS (SELECT 1 FROM found))
  SELECT count(*) FROM found)"};

/// $1 ids, $2 days
constexpr statement note_days{"access_note_used", R"(
  WITH r AS (SELECT unnest($1::text[]) AS id, unnest($2::int[]) AS day),
  keys AS (
    UPDATE core.access_keys k SET used_day = r.day FROM r WHERE k.id = r.id AND k.used_day < r.day)
  UPDATE core.access_sessions s SET used_day = r.day FROM r
   WHERE s.id = r.id AND s.used_day < r.day)"};

access_key key_of(const result& rows, int i) {
  access_key out;
  out.id = rows.bytes(i, 0);
  const auto digest = rows.bytes(i, 1);
  std::copy_n(digest.begin(), std::min(digest.size(), out.digest.size()), out.digest.begin());
  out.role = read_role(rows.bytes(i, 2)).value_or(access_role::read);
  out.site = rows.bytes(i, 3);
  out.name = rows.bytes(i, 4);
  out.created_us = rows.int8(i, 5) + epoch_us;
  out.expires_us = rows.int8(i, 6) + epoch_us;
  out.revoked_us = rows.int8(i, 7) + epoch_us;
  out.rate = static_cast<uint32_t>(rows.int4(i, 8));
  out.used_day = rows.int4(i, 9);
  return out;
}

class access_tables final : public access_records {
public:
  explicit access_tables(std::string url) : connection_(std::move(url), "", stop_) {}

  void interrupt() override { stop_.raise(); }

  caf::error make_tables() {
    auto found = run(has_tables, {});
    if (!found)
      return std::move(found.error());
    return found->boolean(0, 0) ? caf::error{} : bring_schema_up(connection_);
  }

  caf::expected<int64_t> revision() override {
    auto rows = run(read_revision, {});
    return rows ? caf::expected<int64_t>{rows->int8(0, 0)} : std::move(rows.error());
  }

  caf::expected<access_rows> read() override {
    access_rows out;
    // A change between the two is seen by the next look, as the revision is read first.
    auto revision = run(read_revision, {});
    if (!revision)
      return std::move(revision.error());
    out.revision = revision->int8(0, 0);
    auto sites = run(read_sites, {});
    if (!sites)
      return std::move(sites.error());
    for (int i = 0; i < sites->rows(); ++i)
      out.sites.push_back({std::string(sites->bytes(i, 0)), sites->int8(i, 1) + epoch_us});
    auto keys = run(read_keys, {});
    if (!keys)
      return std::move(keys.error());
    for (int i = 0; i < keys->rows(); ++i)
      out.keys.push_back(key_of(*keys, i));
    if (auto bad = read_people(out))
      return bad;
    return out;
  }

  caf::expected<bool> add_site(const access_site& x) override {
    parameters values;
    values.add_text(x.id);
    values.add_int8(x.created_us - epoch_us);
    return is_changed(run(postgres::add_site, values));
  }

  caf::expected<bool> add_key(const access_key& x) override {
    parameters values;
    values.add_text(x.id);
    values.add_text(std::string(x.digest.begin(), x.digest.end()));
    values.add_text(std::string(to_text(x.role)));
    values.add_text(x.site);
    values.add_text(x.name);
    values.add_int8(x.created_us - epoch_us);
    values.add_int8(x.expires_us - epoch_us);
    values.add_int4(static_cast<int32_t>(x.rate));
    return is_changed(run(postgres::add_key, values));
  }

  caf::expected<bool> revoke(const std::string& id, int64_t at_us) override {
    parameters values;
    values.add_text(id);
    values.add_int8(at_us - epoch_us);
    return is_changed(run(revoke_key, values));
  }

  caf::expected<bool> add_user(const access_user& x) override {
    parameters values;
    values.add_text(x.name);
    values.add_text(x.password);
    values.add_text(std::string(to_text(x.role)));
    values.add_text(x.site);
    values.add_int8(x.created_us - epoch_us);
    return is_changed(run(add_person, values));
  }

  caf::expected<bool> set_password(const std::string& name, const std::string& password) override {
    parameters values;
    values.add_text(name);
    values.add_text(password);
    return is_changed(run(new_password, values));
  }

  caf::expected<bool> remove_user(const std::string& name) override {
    parameters values;
    values.add_text(name);
    return is_changed(run(drop_person, values));
  }

  caf::expected<bool> add_session(const access_session& x, const std::string& password,
                                  int64_t oldest_us) override {
    parameters values;
    values.add_text(x.id);
    values.add_text(x.user);
    values.add_int8(x.created_us - epoch_us);
    values.add_int4(static_cast<int32_t>(x.used_day));
    values.add_int8(oldest_us - epoch_us);
    values.add_text(password);
    values.add_int8(sessions_most - 1);
    return is_changed(run(put_session, values));
  }

  caf::expected<bool> end_session(const std::string& id) override {
    parameters values;
    values.add_text(id);
    return is_changed(run(drop_session, values));
  }

  caf::error note_used(const std::vector<std::pair<std::string, int64_t>>& days) override {
    array ids{array::text, days.size()}, numbers{array::int4, days.size()};
    for (const auto& [id, day] : days) {
      ids.add_bytes(id);
      numbers.add_int4(static_cast<int32_t>(day));
    }
    parameters values;
    values.add_array(ids);
    values.add_array(numbers);
    auto rows = run(note_days, values);
    return rows ? caf::error{} : std::move(rows.error());
  }

private:
  caf::error read_people(access_rows& out) {
    auto users = run(read_users, {});
    if (!users)
      return std::move(users.error());
    for (int i = 0; i < users->rows(); ++i)
      out.users.push_back({std::string(users->bytes(i, 0)), std::string(users->bytes(i, 1)),
                           read_role(users->bytes(i, 2)).value_or(access_role::read),
                           std::string(users->bytes(i, 3)), users->int8(i, 4) + epoch_us});
    auto sessions = run(read_sessions, {});
    if (!sessions)
      return std::move(sessions.error());
    for (int i = 0; i < sessions->rows(); ++i)
      out.sessions.push_back({std::string(sessions->bytes(i, 0)),
                              std::string(sessions->bytes(i, 1)), sessions->int8(i, 2) + epoch_us,
                              sessions->int4(i, 3)});
    return caf::none;
  }

  caf::expected<result> run(const statement& x, const parameters& values) {
    if (auto err = connection_.ensure())
      return err;
    auto rows = connection_.run(x, values, time_max);
    if (!rows.ok())
      return to_error(rows, "cannot read or change who may what");
    return rows;
  }

  static caf::expected<bool> is_changed(caf::expected<result> rows) {
    if (!rows)
      return std::move(rows.error());
    return rows->int8(0, 0) > 0;
  }

  stop_signal stop_;
  connection connection_;
};

} // namespace

} // namespace postgres

caf::expected<std::unique_ptr<access_records>> open_postgres_access(std::string url) {
  auto out = std::make_unique<postgres::access_tables>(std::move(url));
  if (auto bad = out->make_tables())
    return bad;
  return std::unique_ptr<access_records>{std::move(out)};
}

} // namespace footfall
