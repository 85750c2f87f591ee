#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "db/postgres/binary.hpp"
#include "db/postgres/servers.hpp"
#include "proto/error.hpp"

struct pg_conn;

namespace footfall::postgres {

/// A statement, prepared once for each connection under its name.
struct statement {
  const char* name;
  const char* sql;
  const char* sent = ""; ///< Failpoint: handed to the server, its answer not read.
};

/// States of a result beside PostgreSQL's own.
inline constexpr const char* state_lost = "08006"; ///< The connection broke: outcome unknown.
inline constexpr const char* state_late = "08T00"; ///< No answer in time; connection dropped.
inline constexpr const char* state_refused =
    "08P01"; ///< What poolers refuse with; connection dropped.
inline constexpr const char* state_stopping = "08S00"; ///< The store is being destroyed.

/// True for errors that the data itself causes: the same batch never succeeds.
bool is_data_error(const std::string& state);

/// Our error for a failed result: all but data errors and bugs are retryable.
caf::error to_error(const result& x, const std::string& what);

/// True for errors that no waiting helps against, such as a wrong password.
bool only_a_person_mends(const caf::error& why);

/// A flag that many connections wait on beside their sockets. Any thread.
class stop_signal {
public:
  stop_signal();
  ~stop_signal();
  stop_signal(const stop_signal&) = delete;
  stop_signal& operator=(const stop_signal&) = delete;
  void raise();
  bool raised() const;
  int descriptor() const { return descriptor_; }

private:
  int descriptor_ = -1;
};

/// One connection to PostgreSQL, made when it is first needed and again after it
/// broke, with growing pauses. Serves one thread. Every wait ends at a deadline
/// or when the stop signal is raised, so a frozen server holds nobody for ever.
class connection {
public:
  /// Looks at a server that was just connected with, and fails when it is not to be used.
  using admission = std::function<caf::error(connection&)>;

  /// `session` is run after every connect, unless a pooler would let it leak.
  connection(std::string url, std::string session, const stop_signal& stop, admission admit = {});
  /// One that only connects: sets nothing and does not look for a pooler.
  struct bare {};
  connection(std::vector<server> servers, const stop_signal& stop, bare);
  ~connection();

  /// Connects unless connected: with the server that served last, then with the others.
  /// Fails at once during a pause after a failure.
  caf::error ensure();

  /// Forgets the pause and begins with this server: somebody got in there.
  void hurry(size_t server_no);
  /// The one it is connected with, or will try next.
  size_t server_no() const { return server_no_; }
  const server& its_server() const { return servers_[server_no_]; }

  /// Runs a prepared statement. A lost connection is dropped.
  result run(const statement& x, const parameters& values,
             std::chrono::milliseconds most = std::chrono::seconds(15));

  /// Runs plain SQL without answer, also several statements.
  result exec(const std::string& sql, std::chrono::milliseconds most = std::chrono::seconds(15));

  bool connected() const { return native_ != nullptr; }
  /// Drops the connection when the server has closed it meanwhile.
  void check();
  /// Rises with every connect: what was remembered of an earlier one is void.
  uint64_t generation() const { return generation_; }
  /// The incarnation of the store that its answers are of; 0: nobody has looked.
  uint64_t incarnation() const { return incarnation_; }
  void set_incarnation(uint64_t x) { incarnation_ = x; }
  /// Ends it. With a reason, as if it could not be made: the next try comes after a pause,
  /// with the next server.
  void drop(const caf::error& why = caf::none);

private:
  using time_point = std::chrono::steady_clock::time_point;
  struct closer {
    void operator()(pg_conn* x) const;
  };

  caf::error connect();
  caf::error greet();
  caf::error set_up();
  size_t next_server() const { return (server_no_ + 1) % servers_.size(); }
  caf::error fail(caf::error why);
  result failed(const char* state, std::string text);
  result finish(time_point until);
  const char* wait(short events, time_point until);

  const std::vector<server> servers_;
  size_t server_no_ = 0;
  std::string session_;
  const stop_signal& stop_;
  const admission admit_;
  const bool bare_ = false;
  std::unique_ptr<pg_conn, closer> native_;
  std::set<const char*> prepared_;
  uint64_t generation_ = 0;
  uint64_t incarnation_ = 0;
  std::chrono::milliseconds pause_{0};
  time_point not_before_{};
  std::string last_failure_;
};

} // namespace footfall::postgres
