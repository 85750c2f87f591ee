#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "actors/interfaces.hpp"
#include "actors/ports/request_handler.hpp"

namespace footfall {

/// Where threads of HTTP and gRPC leave their requests. The gateway is woken once
/// for all that gathered, not once for each.
class gateway_inbox {
public:
  struct ingest_item {
    std::vector<click_event> events;
    request_handler::ingest_done done;
    trace_context trace = {};
  };
  struct query_item {
    query_ask ask;
    request_handler::query_done done;
    bool watch = false;
  };

  /// @param requests_max in-flight requests of each kind; @param events_max events.
  gateway_inbox(size_t requests_max, size_t events_max)
      : requests_max_(requests_max), events_max_(events_max) {}

  enum class answer { taken, full, closed };

  /// `item` is untouched unless taken.
  answer put(ingest_item& item);
  answer put(query_item& item);
  void put_unwatch(uint64_t ticket);

  /// What waits; the caller owns it then, and says `finished` for each later.
  void take(std::vector<ingest_item>& ingests, std::vector<query_item>& queries,
            std::vector<uint64_t>& unwatched);
  void finished_ingest(size_t events);
  void finished_query();

  size_t in_flight() const;

  /// Nothing more is taken, and nobody woken. The caller answers what waited, as after take().
  void close(std::vector<ingest_item>& ingests, std::vector<query_item>& queries);

  /// Who to wake; a null handle lets requests wait until there is one.
  void attach(gateway_actor gateway);

private:
  void wake(std::unique_lock<std::mutex>& lock);

  const size_t requests_max_;
  const size_t events_max_;
  mutable std::mutex mutex_;
  gateway_actor gateway_;
  std::vector<ingest_item> ingests_;
  std::vector<query_item> queries_;
  std::vector<uint64_t> unwatched_;
  bool woken_ = false;
  bool closed_ = false;
  size_t ingests_open_ = 0;
  size_t queries_open_ = 0;
  size_t events_open_ = 0;
};

} // namespace footfall
