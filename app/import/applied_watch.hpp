#pragma once

#include <chrono>
#include <unordered_map>
#include <vector>

#include "app/client_http.hpp"
#include "app/import/tally.hpp"
#include "proto/applied.hpp"
#include "proto/event.hpp"

namespace footfall::app {

/// Learns from the node which of the accepted events were new. That is known when an
/// event is applied, not when it is acknowledged; so it is asked a little later.
class applied_watch {
public:
  applied_watch(client_http& client, tally& counts) : client_(client), counts_(counts) {}

  /// An event was accepted at `at`.
  void add(const position& at);

  /// Asks when there is enough to ask for, or it has waited for long.
  void ask_some();

  /// Asks until all is told, or nothing more is to be learnt within `most`.
  void ask_all(std::chrono::milliseconds most);

private:
  /// False: the node does not tell, now or ever.
  bool ask();
  void keep(const position_range& x);

  client_http& client_;
  tally& counts_;
  std::unordered_map<uint32_t, position_range> growing_; ///< Of each partition, the last.
  std::vector<position_range> ranges_;                   ///< Others that are not told yet.
  uint64_t waiting_ = 0;                                 ///< Events in them.
  std::chrono::steady_clock::time_point asked_{};
  bool is_told_ = true; ///< False: this node does not know the question.
};

} // namespace footfall::app
