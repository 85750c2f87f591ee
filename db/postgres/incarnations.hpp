#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "actors/ports/store.hpp"
#include "db/postgres/connection.hpp"
#include "db/postgres/migrations.hpp"

namespace footfall::postgres {

/// Which history a server shows: it changes with a failover, a restart, a crash or another
/// database, whether commits were lost then or not. What the server does not tell is empty.
struct server_mark {
  std::string system;   ///< Of the cluster, made by initdb; a replica has its primary's.
  int32_t timeline = 0; ///< A promotion raises it. Told with the system.
  std::string database; ///< A database made anew has another one.
  std::string started;  ///< When the server started.
  std::string counting; ///< Since when it counts its work: anew after a crash.

  /// Whether the two differ in what both of them know.
  bool contradicts(const server_mark& other) const;
  /// Takes what it does not know from an earlier one of the same history.
  void complete(const server_mark& earlier);
  std::string text() const;
};

/// The last time that a connection was admitted: which time that was, and to which server.
struct entry {
  uint64_t number = 0;
  size_t server_no = 0;
};

/// Notices when the store is another one or went back, and numbers the times in between.
/// Every connection is looked at before its first answer is used, and one again every few
/// seconds; what is seen is compared with all that this process was told before. Any thread.
class incarnations {
public:
  /// @param server_no the server that the store was opened on
  incarnations(known_generation& now, std::string identity, size_t server_no);

  uint64_t current() const;
  entry last_entry() const;
  void on_renewal(store::renewal tell);

  /// Looks at the server, and says in the connection which incarnation its answers are of.
  /// Fails when the store at the other end cannot be gone on with.
  caf::error admit(connection& c);

  /// What was told to the callers, and must never be undone within an incarnation.
  void claimed(const connection& c, uint32_t partition, const partition_claim& x);
  void applied(const connection& c, uint32_t partition, int64_t next_offset);
  void folded(const connection& c, uint32_t partition, int64_t folded_offset);

  /// What was told before is void, and that is meant.
  void begin_anew(const std::string& why);

  /// The highest epoch of the partition that was ever seen, in any incarnation.
  int64_t epoch_of(uint32_t partition) const;

private:
  using states = std::map<uint32_t, partition_state>;

  caf::expected<server_mark> look_at_server(connection& c) const;
  caf::expected<states> look_at_cursors(connection& c) const;
  std::string compare(const server_mark& server, const states& known, const states& found) const;
  void renew(const std::string& seen); // With the lock held.
  partition_state* known(const connection& c, uint32_t partition);

  known_generation& now_;
  const std::string identity_;
  mutable std::mutex mutex_;
  uint64_t current_ = 1;
  entry entry_;
  server_mark server_; ///< Empty: none was seen.
  states known_;
  std::map<uint32_t, int64_t> epochs_;
  store::renewal tell_;
};

} // namespace footfall::postgres
