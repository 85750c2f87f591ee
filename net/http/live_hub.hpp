#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "net/http/exchange.hpp"

namespace footfall::http {

class live_stream;
struct live_topic;

struct live_config {
  uint32_t streams = 1000; ///< At once; more get 503.
  uint32_t topics = 512;   ///< Different ones of all streams; a page's has a watch. The same.
  const model::access_gate* gate = nullptr; ///< Set: streams end with the key that opened them.
};

/// GET /v1/live: server-sent events. A client names topics; each is told as its whole state,
/// when it changed, and many streams share one topic, which is asked once for all of them.
/// What a client could not read in time is replaced by what is newer. Lives on its listener's
/// thread.
class live_hub {
public:
  live_hub(request_handler& handler, now_fn now, const live_config& config, int64_t started_us);
  ~live_hub();

  /// Begins a stream, or refuses it.
  void start(exchange& x);

  /// What the actors said of a topic.
  void told(uint64_t topic, completion_value value);

  /// Asks for what is due. To be called some times a second.
  void tick();

private:
  friend class live_stream;
  using steady = std::chrono::steady_clock;

  std::string open_topic(const std::string& name, const query_params& params, live_stream& reader);
  bool has_its_share(const model::principal& who, size_t topics) const;
  void ask(live_topic& x);
  void take_answer(live_topic& x, query_answer& answer);
  void tell(live_topic& x, std::string_view event, std::vector<position> reached,
            const std::string& data);
  void tell_trouble(live_topic& x, const problem& why);
  void forget(live_stream& reader);
  size_t under_way() const; ///< Questions of topics that no actor tells.
  steady::duration period_of(const live_topic& x) const;

  request_handler& handler_;
  now_fn now_;
  live_config config_;
  int64_t started_us_;
  metrics* counters_ = nullptr;
  std::shared_ptr<completion_queue> queue_; ///< Of the listener, from the first stream on.
  uint64_t last_id_ = 0;
  std::map<uint64_t, std::unique_ptr<live_topic>> topics_;
  std::vector<live_stream*> streams_;
};

} // namespace footfall::http
