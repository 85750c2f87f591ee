#pragma once

#include <string>
#include <utility>

#include "tests/contract/rigs.hpp"

namespace footfall::test {

/// A database of its own on a scratch server, dropped at the end.
class scratch_database {
public:
  /// `admin` is a libpq URL of a role that may create databases.
  explicit scratch_database(std::string admin);
  ~scratch_database();
  scratch_database(const scratch_database&) = delete;
  scratch_database& operator=(const scratch_database&) = delete;

  const std::string& url() const { return url_; }
  /// Runs SQL on a connection of its own and returns the first field, or "".
  std::string run(const std::string& sql) const { return run_at(url_, sql); }
  /// The same on the server's own database.
  std::string run_as_admin(const std::string& sql) const { return run_at(admin_, sql); }
  /// Copies all rows; go_back() puts them in the place of what is there then.
  void keep() const;
  void go_back() const;

private:
  static std::string run_at(const std::string& url, const std::string& sql);

  std::string admin_;
  std::string name_;
  std::string url_;
};

/// A role that owns the database, dropped with it.
class owner_role {
public:
  owner_role(const scratch_database& at, std::string name) : at_(at), name_(std::move(name)) {
    at_.run_as_admin("CREATE ROLE " + name_ + " LOGIN PASSWORD 'secret'");
    at_.run_as_admin("ALTER DATABASE " + at_.run("SELECT current_database()") + " OWNER TO "
                     + name_);
  }
  ~owner_role() {
    at_.run("REASSIGN OWNED BY " + name_ + " TO CURRENT_USER");
    at_.run("DROP OWNED BY " + name_);
    at_.run("DROP ROLE " + name_);
  }
  owner_role(const owner_role&) = delete;
  owner_role& operator=(const owner_role&) = delete;

  std::string url() const { return at_.url() + " user=" + name_ + " password=secret"; }
  void limit(int connections) const {
    at_.run_as_admin("ALTER ROLE " + name_ + " CONNECTION LIMIT " + std::to_string(connections));
  }
  std::string connections() const {
    return at_.run_as_admin("SELECT count(*) FROM pg_stat_activity WHERE usename = '" + name_
                            + "'");
  }

private:
  const scratch_database& at_;
  const std::string name_;
};

std::unique_ptr<store_rig> make_postgres_store_rig(const std::string& admin);

} // namespace footfall::test
