#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "net/cluster/resolve.hpp"
#include "net/cluster/tunnel.hpp"

namespace footfall::cluster {

class outgoing;
class engine;

struct dial_request {
  std::string host;
  uint16_t port = 0;
  std::string name; ///< Of the certificate that must be shown.
  std::function<void(const dial_answer&)> done;
};

/// The way out: holds the dials that are under way.
class egress {
public:
  explicit egress(engine& owner);
  ~egress();

  /// From any thread.
  void dial(dial_request request);
  /// Ends every dial with `stopped`; the context does not run any more.
  void stop();

  resolver& names() { return names_; }
  void forget(outgoing& x);

private:
  void begin_all();

  engine& owner_;
  resolver names_;
  std::mutex mutex_;
  std::vector<dial_request> asked_; ///< Not begun yet. Guarded by the mutex.
  std::unordered_set<std::shared_ptr<outgoing>> under_way_;
};

} // namespace footfall::cluster
