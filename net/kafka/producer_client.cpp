#include "net/kafka/producer_client.hpp"

#include "proto/failpoint.hpp"

namespace footfall::kafka {

namespace {

append_outcome failed(outcome status, errc code) {
  append_outcome out;
  out.status = status;
  out.code = code;
  return out;
}

// The broker looked at the record and takes it in no case. A topic that is missing, or may
// not be written to, is an outage instead: it may be there again for the next try.
bool is_refused(rd_kafka_resp_err_t error) noexcept {
  return error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE
         || error == RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE
         || error == RD_KAFKA_RESP_ERR_INVALID_RECORD
         || error == RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP;
}

// librdkafka refused it at once: it was never sent.
append_outcome refused(rd_kafka_resp_err_t error) {
  const auto code = errc_of(error);
  const bool certain =
      code == errc::overloaded || code == errc::invalid_argument || code == errc::event_too_large;
  return failed(certain ? outcome::rejected : outcome::unknown, code);
}

append_outcome reported(const rd_kafka_message_t& message) {
  const auto status = rd_kafka_message_status(&message);
  if (status == RD_KAFKA_MSG_STATUS_NOT_PERSISTED && is_refused(message.err))
    return failed(outcome::rejected, errc_of(message.err));
  // A record can be known to be persisted while its offset is not (its own answer
  // was lost, a later one proved it). A position was promised with `accepted`.
  if (status != RD_KAFKA_MSG_STATUS_PERSISTED || message.offset < 0)
    return failed(outcome::unknown, errc::log_unavailable);
  append_outcome out;
  out.status = outcome::accepted;
  out.pos = {static_cast<uint32_t>(message.partition), message.offset};
  return out;
}

} // namespace

producer_client::~producer_client() {
  events_.reset();
  topic_.reset();
  client_.reset(); // joins its threads: no report comes any more
  for (auto* append : open_) {
    std::unique_ptr<open_append> owned(append);
    owner_.release(append->records.size(), append->bytes);
    // Slots that were reported keep their outcome; the rest are `unknown`.
    append->done(std::move(append->outcomes));
  }
}

caf::error producer_client::start() {
  const auto& config = owner_.config_;
  // A little above our own limits, which are what is enforced: either a whole
  // append is taken or nothing of it.
  auto kbytes = std::to_string(config.append_bytes_max / 1024 + 1024);
  auto client = make_client(
      RD_KAFKA_PRODUCER, config,
      {{"enable.idempotence", "true"},
       {"acks", "all"},
       {"max.in.flight.requests.per.connection", "5"},
       {"linger.ms", "0"}, // producer::hand_over() gathers
       {"batch.size", std::to_string(batch_bytes_)},
       {"message.timeout.ms", milliseconds_text(config.message_timeout)},
       {"request.timeout.ms", milliseconds_text(config.request_timeout)},
       {"queue.buffering.max.kbytes", kbytes},
       {"queue.buffering.max.messages", std::to_string(config.append_records_max + 1000)}},
      *this);
  if (!client)
    return std::move(client.error());
  client_ = std::move(*client);
  auto topic = make_topic(client_.get(), config, {});
  if (!topic)
    return std::move(topic.error());
  topic_ = std::move(*topic);
  events_ = main_queue(client_.get(), owner_.signal_);
  return caf::none;
}

rd_kafka_resp_err_t producer_client::send_one(const log_record& record, message_slot& slot) {
  auto* headers = rd_kafka_headers_new(1);
  rd_kafka_header_add(headers, "content-type", -1, "application/protobuf", -1);
  // Flags 0: the value stays ours until the report, and a full queue is an error
  // instead of a wait.
  auto error = rd_kafka_producev(
      client_.get(), RD_KAFKA_V_RKT(topic_.get()),
      RD_KAFKA_V_PARTITION(static_cast<int32_t>(record.partition)), RD_KAFKA_V_MSGFLAGS(0),
      RD_KAFKA_V_VALUE(const_cast<char*>(record.value.data()), record.value.size()),
      RD_KAFKA_V_KEY(record.key.data(), record.key.size()), RD_KAFKA_V_HEADERS(headers),
      RD_KAFKA_V_OPAQUE(&slot), RD_KAFKA_V_END);
  if (error)
    rd_kafka_headers_destroy(headers);
  return error;
}

void producer_client::send(std::unique_ptr<open_append> owned) {
  auto* append = owned.release();
  open_.insert(append);
  const size_t count = append->records.size();
  const bool first = append->outcomes.empty();
  if (first)
    append->outcomes.assign(count, failed(outcome::unknown, errc::log_unavailable));
  append->slots.assign(count, message_slot{append});
  append->left = count; // reports come from poll() alone, on this thread
  for (size_t i = 0; i < count; ++i) {
    auto& result = append->outcomes[i];
    if (!first && !append->is_refused(i)) {
      --append->left;
    } else if (owner_.is_too_large(append->records[i])) {
      result = failed(outcome::rejected, errc::event_too_large);
      --append->left;
    } else {
      result = failed(outcome::unknown, errc::log_unavailable);
      if (auto error = send_one(append->records[i], append->slots[i])) {
        result = refused(error);
        --append->left;
      }
    }
  }
  failpoint("kafka.after_enqueue");
  if (append->left == 0)
    finish(append);
}

void producer_client::on_delivered(const rd_kafka_message_t& message) {
  auto* slot = static_cast<message_slot*>(message._private);
  auto* append = slot->append;
  auto& result = append->outcomes[static_cast<size_t>(slot - append->slots.data())];
  failpoint("kafka.before_report");
  result = reported(message);
  if (result.status == outcome::accepted)
    owner_.confirmed();
  if (--append->left == 0)
    finish(append);
}

void producer_client::finish(open_append* append) {
  open_.erase(append);
  owner_.settle(std::unique_ptr<open_append>(append), batch_bytes_);
}

void producer_client::purge() {
  rd_kafka_purge(client_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT
                                    | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

bool producer_client::probe(std::chrono::milliseconds most) {
  const struct rd_kafka_metadata* metadata = nullptr;
  auto error =
      rd_kafka_metadata(client_.get(), 0, topic_.get(), &metadata, static_cast<int>(most.count()));
  if (!error)
    rd_kafka_metadata_destroy(metadata);
  return !error;
}

void producer_client::on_error(rd_kafka_resp_err_t code, const char* reason) {
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    char text[512];
    auto cause = rd_kafka_fatal_error(client_.get(), text, sizeof text);
    on_log(std::string("Kafka producer ended (") + rd_kafka_err2name(cause) + "): " + text
           + "; it is replaced, open appends are unknown");
    fatal_ = true;
  } else {
    owner_.health_.heed(code, reason);
  }
}

void producer_client::on_log(const std::string& line) {
  if (owner_.config_.report)
    owner_.config_.report(line);
}

} // namespace footfall::kafka
