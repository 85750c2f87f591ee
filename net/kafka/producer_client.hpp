#pragma once

#include <unordered_set>

#include "net/kafka/producer.hpp"

namespace footfall::kafka {

/// Records of one append() call until all of them are reported.
struct open_append;

/// Opaque pointer of one message: which append, and by its address which record.
struct message_slot {
  open_append* append = nullptr;
};

struct open_append {
  std::vector<log_record> records; ///< librdkafka reads the values from here.
  std::vector<message_slot> slots;
  std::vector<append_outcome> outcomes;
  event_log::append_done done;
  size_t left = 0; ///< Not reported yet.
  size_t bytes = 0;
  size_t refused_at = 0; ///< Bytes of a batch when records were refused for size.
  std::chrono::steady_clock::time_point refused_when;

  /// For the size of the batch that it was in, not necessarily for its own.
  bool is_refused(size_t i) const noexcept { return outcomes[i].code == errc::event_too_large; }
};

/// One librdkafka producer, from its start to its fatal error. Its calls belong to the
/// producer's thread.
class producer_client final : public client_events {
public:
  /// `batch_bytes`: a batch of several records has no more.
  producer_client(producer& owner, size_t batch_bytes) : owner_(owner), batch_bytes_(batch_bytes) {}
  ~producer_client() override;

  caf::error start();
  size_t batch_bytes() const noexcept { return batch_bytes_; }
  rd_kafka_t* handle() const noexcept { return client_.get(); }
  /// Hands over the records that were not handed over before, or refused then. Answers
  /// at once when all are refused.
  void send(std::unique_ptr<open_append> append);
  /// Serves delivery reports.
  void poll() { rd_kafka_poll(client_.get(), 0); }
  /// Gives up on what is not delivered yet; the reports follow.
  void purge();
  bool fatal() const noexcept { return fatal_; }
  bool idle() const noexcept { return open_.empty(); }
  /// Blocks; true when a broker told about the topic.
  bool probe(std::chrono::milliseconds most);

  void on_error(rd_kafka_resp_err_t code, const char* reason) override;
  void on_delivered(const rd_kafka_message_t& message) override;
  void on_log(const std::string& line) override;

private:
  rd_kafka_resp_err_t send_one(const log_record& record, message_slot& slot);
  void finish(open_append* append);

  producer& owner_;
  const size_t batch_bytes_;
  client_ptr client_;
  topic_ptr topic_;
  queue_ptr events_;
  bool fatal_ = false;
  std::unordered_set<open_append*> open_; ///< Owned.
};

} // namespace footfall::kafka
