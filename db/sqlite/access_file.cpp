#include "db/sqlite/access_file.hpp"

#include <algorithm>

#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "db/sqlite/migrate.hpp"

namespace footfall {

namespace sqlite {

namespace {

access_key key_of(const statement& row) {
  access_key out;
  out.id = row.text(0);
  const auto digest = row.blob(1);
  std::copy_n(digest.begin(), std::min(digest.size(), out.digest.size()), out.digest.begin());
  out.role = read_role(row.text(2)).value_or(access_role::read);
  out.site = row.text(3);
  out.name = row.text(4);
  out.created_us = row.integer(5);
  out.expires_us = row.integer(6);
  out.revoked_us = row.integer(7);
  out.rate = static_cast<uint32_t>(row.integer(8));
  out.used_day = row.integer(9);
  return out;
}

class access_file final : public access_records {
public:
  explicit access_file(std::string file) : file_(std::move(file)), on_(file_, options()) {
    ::chmod(file_.c_str(), S_IRUSR | S_IWUSR); // Hashes of secrets are nobody else's matter.
    give_to_owner_of_folder();
    migrate(on_, file_, access_application_id, sqlite_access_schema());
  }

  caf::expected<int64_t> revision() override {
    return answered<int64_t>([this] { return now(); });
  }

  caf::expected<access_rows> read() override {
    return answered<access_rows>([this] {
      on_.run("BEGIN");
      access_rows out;
      out.revision = now();
      statement sites{on_, "SELECT site, created_us FROM access_sites ORDER BY site"};
      while (sites.step())
        out.sites.push_back({std::string(sites.text(0)), sites.integer(1)});
      statement keys{on_, "SELECT id, digest, role, site, name, created_us, expires_us, revoked_us,"
                          " rate, used_day FROM access_keys ORDER BY site, id"};
      while (keys.step())
        out.keys.push_back(key_of(keys));
      statement users{on_, "SELECT name, password, role, site, created_us FROM access_users"
                           " ORDER BY name"};
      while (users.step())
        out.users.push_back({std::string(users.text(0)), std::string(users.text(1)),
                             read_role(users.text(2)).value_or(access_role::read),
                             std::string(users.text(3)), users.integer(4)});
      statement sessions{on_, "SELECT id, name, created_us, used_day FROM access_sessions"
                              " ORDER BY id"};
      while (sessions.step())
        out.sessions.push_back({std::string(sessions.text(0)), std::string(sessions.text(1)),
                                sessions.integer(2), sessions.integer(3)});
      on_.run("COMMIT");
      return out;
    });
  }

  caf::expected<bool> add_site(const access_site& x) override {
    return change([&] {
      statement put{on_, "INSERT OR IGNORE INTO access_sites VALUES (?, ?)"};
      put.bind_text(1, x.id).bind(2, x.created_us).run();
    });
  }

  caf::expected<bool> add_key(const access_key& x) override {
    return change([&] {
      statement put{on_, "INSERT INTO access_keys SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, 0"
                         " WHERE ?4 = '*' OR EXISTS (SELECT 1 FROM access_sites WHERE site = ?4)"};
      const std::string digest(x.digest.begin(), x.digest.end());
      put.bind_text(1, x.id).bind_blob(2, digest).bind_text(3, to_text(x.role));
      put.bind_text(4, x.site).bind_text(5, x.name).bind(6, x.created_us).bind(7, x.expires_us);
      put.bind(8, x.rate).run();
    });
  }

  caf::expected<bool> revoke(const std::string& id, int64_t at_us) override {
    return change([&] {
      statement put{on_, "UPDATE access_keys SET revoked_us = iif(revoked_us = 0, ?2, revoked_us)"
                         " WHERE id = ?1"};
      put.bind_text(1, id).bind(2, at_us).run();
    });
  }

  caf::expected<bool> add_user(const access_user& x) override {
    return change([&] {
      statement put{on_, "INSERT OR IGNORE INTO access_users SELECT ?1, ?2, ?3, ?4, ?5"
                         " WHERE ?4 = '*' OR EXISTS (SELECT 1 FROM access_sites WHERE site = ?4)"};
      put.bind_text(1, x.name).bind_text(2, x.password).bind_text(3, to_text(x.role));
      put.bind_text(4, x.site).bind(5, x.created_us).run();
    });
  }

  caf::expected<bool> set_password(const std::string& name, const std::string& password) override {
    return change([&] {
      drop_sessions_of(name);
      statement put{on_, "UPDATE access_users SET password = ?2 WHERE name = ?1"};
      put.bind_text(1, name).bind_text(2, password).run();
    });
  }

  caf::expected<bool> remove_user(const std::string& name) override {
    return change([&] {
      drop_sessions_of(name);
      statement drop{on_, "DELETE FROM access_users WHERE name = ?"};
      drop.bind_text(1, name).run();
    });
  }

  caf::expected<bool> add_session(const access_session& x, const std::string& password,
                                  int64_t oldest_us) override {
    return change([&] {
      statement old{on_, "DELETE FROM access_sessions WHERE created_us < ?1 OR (name = ?2 AND id IN"
                         " (SELECT id FROM access_sessions WHERE name = ?2"
                         " ORDER BY created_us DESC LIMIT -1 OFFSET ?3))"};
      old.bind(1, oldest_us).bind_text(2, x.user).bind(3, sessions_most - 1).run();
      statement put{on_, "INSERT INTO access_sessions SELECT ?1, ?2, ?3, ?4"
                         " WHERE EXISTS (SELECT 1 FROM access_users"
                         " WHERE name = ?2 AND password = ?5)"};
      put.bind_text(1, x.id).bind_text(2, x.user).bind(3, x.created_us).bind(4, x.used_day);
      put.bind_text(5, password).run();
    });
  }

  caf::expected<bool> end_session(const std::string& id) override {
    return change([&] {
      statement drop{on_, "DELETE FROM access_sessions WHERE id = ?"};
      drop.bind_text(1, id).run();
    });
  }

  caf::error note_used(const std::vector<std::pair<std::string, int64_t>>& days) override {
    auto done = answered<bool>([&] {
      on_.run("BEGIN IMMEDIATE");
      for (const auto* sql :
           {"UPDATE access_keys SET used_day = max(used_day, ?2) WHERE id = ?1",
            "UPDATE access_sessions SET used_day = max(used_day, ?2) WHERE id = ?1"}) {
        statement put{on_, sql};
        for (const auto& [id, day] : days)
          put.bind_text(1, id).bind(2, day).run();
      }
      on_.run("COMMIT");
      return true;
    });
    return done ? caf::error{} : std::move(done.error());
  }

private:
  /// An administrator's command must not leave a file that the node's own user cannot read. SQLite
  /// does the same for the files beside it.
  void give_to_owner_of_folder() {
    struct stat folder {};
    if (::geteuid() == 0 && ::stat(file_.substr(0, file_.rfind('/')).c_str(), &folder) == 0
        && ::chown(file_.c_str(), folder.st_uid, folder.st_gid) != 0)
      throw failure(SQLITE_PERM, "cannot be given to the owner of its folder");
  }

  static connection::options options() {
    connection::options out;
    out.application_id = access_application_id;
    return out;
  }

  void drop_sessions_of(const std::string& name) {
    statement drop{on_, "DELETE FROM access_sessions WHERE name = ?"};
    drop.bind_text(1, name).run();
  }

  int64_t now() { return on_.value("SELECT revision FROM access_revision"); }

  template <class T, class Work>
  caf::expected<T> answered(Work work) {
    try {
      return work();
    } catch (const failure& error) {
      on_.roll_back();
      return make_error(code_of(error.code(), errc::store_unavailable),
                        file_ + ": " + error.what());
    }
  }

  /// Runs `work`; true, and a new revision, when it changed a row.
  template <class Work>
  caf::expected<bool> change(Work work) {
    return answered<bool>([&] {
      on_.run("BEGIN IMMEDIATE");
      work();
      const bool changed = on_.changes() > 0;
      if (changed)
        on_.run("UPDATE access_revision SET revision = revision + 1");
      on_.run("COMMIT");
      return changed;
    });
  }

  const std::string file_;
  connection on_;
};

} // namespace

} // namespace sqlite

caf::expected<std::unique_ptr<access_records>> open_sqlite_access(const std::string& folder) {
  const auto file = folder + "/access.db";
  try {
    return std::unique_ptr<access_records>{std::make_unique<sqlite::access_file>(file)};
  } catch (const sqlite::failure& error) {
    std::string text = error.what();
    if (text.find(file) == std::string::npos)
      text = file + ": " + text;
    return make_error(sqlite::code_of(error.code(), errc::store_unavailable), text);
  }
}

caf::error copy_sqlite_access(const std::string& from, const std::string& to) {
  const auto file = from + "/access.db", copy = to + "/access.db";
  if (::access(file.c_str(), F_OK) != 0)
    return caf::none;
  try {
    sqlite::connection::options how;
    how.application_id = sqlite::access_application_id;
    sqlite::connection on{file, how};
    sqlite::statement put{on, "VACUUM INTO ?"};
    put.bind_text(1, copy).run();
  } catch (const sqlite::failure& error) {
    return make_error(sqlite::code_of(error.code(), errc::store_unavailable),
                      file + ": " + error.what());
  }
  ::chmod(copy.c_str(), S_IRUSR | S_IWUSR);
  return caf::none;
}

} // namespace footfall
