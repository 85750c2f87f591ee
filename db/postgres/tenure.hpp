#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "db/postgres/connection.hpp"

namespace footfall::postgres {

/// The right of one process at a time, or of the nodes of one cluster, to apply a topic to a
/// database: an advisory lock on a connection of its own, which says who has it in its
/// application_name. The server takes it back when the session ends, however that comes: the
/// process may be killed, or its machine vanish (the session's keepalives see to that within 15 s).
///
/// A thread looks after it: after a lost connection or a failover it is taken again.
class tenure {
public:
  /// How long a session whose process has vanished may hold it.
  static constexpr std::chrono::seconds lingering{15};

  /// Whom it is shared with.
  enum class kind : uint8_t { alone, cluster };

  /// Connects and takes it. Blocks.
  /// @returns errc::in_use with who has it; else as postgres_store::open.
  static caf::expected<std::unique_ptr<tenure>> take(std::string url, const std::string& topic,
                                                     kind with = kind::alone);
  ~tenure();

  /// Who took it while the connection was away; empty: nobody. It does not come back. Any
  /// thread.
  std::string lost() const;

private:
  tenure(std::string url, const std::string& topic, kind with);
  caf::error try_once();
  std::string holder(std::string& name, std::string& session);
  void look_after();
  void run();

  const int64_t key_;
  const std::string name_; ///< As the session says who it is; of this object alone.
  const std::string topic_;
  const kind with_;
  stop_signal stop_;
  connection connection_;
  uint64_t held_in_ = 0; ///< The connection's generation that has it; 0: none.
  mutable std::mutex mutex_;
  std::condition_variable ended_;
  bool stopping_ = false;
  std::string lost_;
  std::thread thread_;
};

} // namespace footfall::postgres
