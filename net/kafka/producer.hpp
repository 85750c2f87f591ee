#pragma once

#include <deque>
#include <thread>
#include <vector>

#include "net/kafka/topic.hpp"

namespace footfall::kafka {

struct open_append;
class producer_client;

/// Appends records with an idempotent producer and answers with its delivery
/// reports. Replaces the producer by itself after an error that ends it; what was
/// in flight then is `unknown`. Any thread may append; one thread of its own hands
/// over what came in, one bunch after the other, and answers. The gathering is not
/// left to librdkafka: version 2.0.2 polls without a pause in the last part of a
/// millisecond before a partition's linger ends, and while records wait that it may
/// not send yet (0.4 of a core with four partitions).
///
/// Batches stay below the topic's max.message.bytes, which is read at the start, twice a
/// minute, and whenever the broker refuses a size; what it refused then as part of a
/// larger batch is sent again in smaller ones, in halves where nothing less is told.
class producer {
public:
  static caf::expected<std::unique_ptr<producer>>
  open(const kafka_config& config, const topic_found& topic, broker_health& health);
  ~producer();

  /// After stop() all is refused on the calling thread, with errc::shutting_down.
  void append(std::vector<log_record> batch, event_log::append_done done);

  /// Confirms what is open, if that is possible in time, and answers all of it. Blocks.
  void stop();

  /// Empty unless appends have been waiting for too long.
  std::string health() const;

private:
  friend class producer_client;
  using steady = std::chrono::steady_clock;

  producer(const kafka_config& config, const topic_found& topic, broker_health& health);
  bool fits(const std::vector<log_record>& batch) const;
  caf::error start_client(size_t batch_bytes);
  bool is_too_large(const log_record& record) const;
  void settle(std::unique_ptr<open_append> append, size_t batch_bytes);
  void finish(std::unique_ptr<open_append> append);
  void watch_limit();
  void take_limit(size_t limit);
  size_t settle_refused(steady::time_point asked_at);
  bool admit(size_t records, size_t bytes);
  void release(size_t records, size_t bytes);
  void confirmed(); ///< A record is in the log.
  void answer(std::function<void()> call);
  void run_answers();
  steady::time_point due() const;
  std::chrono::microseconds hand_over();
  void hand_over_the_last();
  void refuse(std::unique_ptr<open_append> append);
  void run();
  void tick();
  void retire(bool by_force);
  void close();

  const kafka_config& config_;
  const uint32_t partitions_;
  broker_health& health_;
  wake_signal signal_;

  std::mutex mutex_;    ///< closed_, waiting_, answers_
  bool closed_ = false; ///< Nobody looks any more at what waits.
  std::vector<std::unique_ptr<open_append>> waiting_;
  std::deque<std::function<void()>> answers_;

  // Thread of the producer only.
  std::unique_ptr<producer_client> current_; ///< Appends go here.
  std::unique_ptr<producer_client> retired_;
  steady::time_point handed_over_;
  size_t bunch_records_ = 0; ///< That were handed over then.
  steady::time_point retired_until_;
  size_t limit_; ///< The topic's max.message.bytes, as it was told last; 0: not known.
  bool is_told_; ///< In the last answer.
  topic_query query_;
  steady::time_point asked_at_;
  steady::time_point next_ask_;
  std::vector<std::unique_ptr<open_append>> refused_; ///< Perhaps only as a batch.
  steady::time_point next_tick_;

  std::atomic<size_t> open_records_{0};
  std::atomic<size_t> open_bytes_{0};
  std::atomic<int64_t> waiting_since_ms_{0}; ///< Last confirmation while something is open.
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

} // namespace footfall::kafka
