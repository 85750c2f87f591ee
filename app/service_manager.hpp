#pragma once

#include <chrono>
#include <string>

namespace footfall::app {

/// Tells the service manager that started the process how the node is, as sd_notify(3) describes;
/// nothing when there is none ($NOTIFY_SOCKET) or it does not listen: it will see the process end.
/// One thread. No call blocks.
class service_manager {
public:
  /// So long a start may take for others that wait for it: a machine's boot, an upgrade. A node
  /// that waits for a database any longer is one that runs.
  static constexpr std::chrono::seconds patience{30};

  /// Not ready yet. To be called about once a second.
  void waits(const std::string& why);
  void is_ready(); ///< The same, for as long as it is.
  void ends();

private:
  void tell(const std::string& state);

  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::string told_;
};

} // namespace footfall::app
