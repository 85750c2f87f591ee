#include "db/postgres/session_check.hpp"

#include <mutex>

namespace footfall::postgres {

namespace {

/// Others use the same pool, so that one look may by chance see what it should.
constexpr int rounds = 3;

caf::error is_shared(const std::string& seen) {
  return make_error(
      errc::invalid_argument,
      "the database is behind a pooler that gives each transaction or statement another session ("
          + seen
          + "): settings, prepared statements and claims do not hold there. Give DATABASE_URL the "
            "address of PostgreSQL itself, or of a pool in session mode (pgbouncer: "
            "pool_mode=session, default_pool_size of at least 10)");
}

/// The two connections. After the first failure all that follows is passed over.
class observer {
public:
  explicit observer(const stop_signal& stop) : stop_(stop) {}

  caf::error run(const std::vector<server>& servers) {
    connection a{servers, stop_, connection::bare{}};
    if (auto err = a.ensure())
      return err;
    connection b{{a.its_server()}, stop_, connection::bare{}};
    if (auto err = b.ensure())
      return err;
    for (int round = 0; round < rounds && !error_; ++round)
      round % 2 == 0 ? look(a, b) : look(b, a);
    return std::move(error_);
  }

private:
  /// Both idle; then `other` in a transaction, which holds on to its session anywhere.
  void look(connection& one, connection& other) {
    const auto mine = session_of(one);
    const auto its = session_of(other);
    if (error_)
      return;
    if (mine == its) {
      error_ = is_shared("two connections are in one");
      return;
    }
    do_in(other, "BEGIN");
    const auto its_now = session_of(other);
    const auto mine_now = session_of(one);
    do_in(other, "COMMIT");
    if (!error_ && (mine_now != mine || its_now != its))
      error_ = is_shared("a connection is in another one than before");
  }

  std::string session_of(connection& c) {
    const auto rows = do_in(c, "SELECT pg_backend_pid()");
    return error_ || rows.rows() == 0 ? std::string{} : std::string(rows.bytes(0, 0));
  }

  result do_in(connection& c, const char* sql) {
    using namespace std::chrono_literals;
    if (error_)
      return {};
    auto done = c.exec(sql, 10s);
    if (done.state == state_refused)
      error_ = is_shared(done.text);
    else if (done.state == state_late)
      error_ = make_error(
          errc::store_unavailable,
          "PostgreSQL connects, but gives no session within 10 s; if a pooler is in "
          "between, its pool is too small (at least 10 connections are needed, 12 in a cluster)");
    else if (!done.ok())
      error_ = to_error(done, "cannot look at the sessions of PostgreSQL");
    return done;
  }

  const stop_signal& stop_;
  caf::error error_;
};

} // namespace

// One at a time: the two connections of each look would else take what the pool has, and
// each look wait for another one's.
caf::error check_session(const std::vector<server>& servers, const stop_signal& stop) {
  static std::mutex turn;
  std::lock_guard guard{turn};
  return observer{stop}.run(servers);
}

} // namespace footfall::postgres
