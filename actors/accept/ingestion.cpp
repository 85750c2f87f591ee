#include "actors/accept/ingestion.hpp"

#include <algorithm>
#include <iterator>
#include <limits>

#include "actors/model/event_key.hpp"
#include "actors/model/record.hpp"
#include "actors/model/validate.hpp"
#include "proto/failpoint.hpp"
#include "proto/seeded_bug.hpp"

namespace footfall {

namespace {

const char* reason_of(errc code) {
  switch (code) {
  case errc::overloaded:
    return "the event log's queue is full; nothing was stored; send it again later";
  case errc::disk_full:
    return "the disk of the event log is full; nothing was stored; send it again later";
  case errc::shutting_down: return "the node stops; nothing was stored; send it again later";
  case errc::event_too_large:
    return "the event is larger than what the event log takes (a Kafka topic's "
           "max.message.bytes); it is not stored, and sending it again is no use";
  case errc::invalid_argument:
    return "the event log refused the event; it is not stored, and sending it again is no use";
  default:
    return "the event log did not confirm; it may be stored; send it again with the same event_id";
  }
}

void send_answers(ingestion_ptr self, const caf::strong_actor_ptr& to,
                  std::vector<ingest_answer> answers) {
  if (to)
    self->send(caf::actor_cast<gateway_actor>(to), atom::ingested_v, std::move(answers));
}

void tell(ingestion_ptr self, const trace_context& of, const ingest_answer& x) {
  if (auto* to = self->state.config.traces)
    to->tell(of, "ingestion", [&] { return summary(x.results); });
}

event_result refused(click_event& event, errc code, std::string reason) {
  event_result out;
  out.status = outcome::rejected;
  out.code = code;
  out.reason = std::move(reason);
  out.event_id = std::move(event.event_id);
  return out;
}

// Nobody would count it before a person has decided.
bool is_stopped(ingestion_ptr self, uint32_t partition) {
  const auto& parts = self->state.config.status->parts;
  return partition < parts.size() && parts[partition].is_stopped();
}

event_result refuse_stopped(ingestion_ptr self, click_event& event, uint32_t partition) {
  const auto& config = self->state.config;
  return refused(event, errc::partition_stopped,
                 "partition " + std::to_string(partition)
                     + " of the event log is stopped; nothing was stored; send it again once it "
                       "goes on (footfall partitions shows how). It stopped because: "
                     + config.status->parts[partition].why_stopped());
}

/// How many more events the partitions take in this turn, so that the next is not counted
/// later than the limit allows.
class lag_gate {
public:
  explicit lag_gate(const ingestion_config& config)
      : config_(config), steady_us_(config.steady()) {}

  /// One more event of the partition. False: it would wait too long.
  bool admit(uint32_t partition) {
    if (config_.lag_limit_us == 0)
      return true;
    auto [at, is_new] = rooms_.try_emplace(partition);
    if (is_new)
      at->second = config_.status->parts[partition].with_backlog(
          [this](const auto& x) { return x.look_ahead(config_.lag_limit_us, steady_us_); });
    return at->second.room-- > 0;
  }

  event_result refuse(click_event& event, uint32_t partition) const {
    const auto& x = rooms_.at(partition);
    const auto seconds = [](int64_t us) { return (us + 999'999) / 1'000'000; };
    const auto limit = seconds(config_.lag_limit_us);
    const auto wait = std::max(seconds(x.wait_us), limit);
    // Nobody knows when what stands still will move.
    const auto later = x.is_stalled ? std::min<int64_t>(limit, retry_stalled_most_s)
                                    : std::min(wait - limit, retry_most_s);
    const auto why = x.is_stalled
                         ? "nothing of partition " + std::to_string(partition) + " was counted for "
                               + std::to_string(wait) + " s"
                         : "it would be counted only after " + std::to_string(wait)
                               + " s, so much waits in partition " + std::to_string(partition);
    const auto again = std::max<int64_t>(later, 1);
    auto out =
        refused(event, errc::overloaded,
                why + " (lag-limit = " + std::to_string(limit)
                    + " s); nothing was stored; send it again in " + std::to_string(again) + " s");
    out.retry_after_s = static_cast<uint32_t>(again);
    add(config_.counts->events_lagging);
    return out;
  }

private:
  static constexpr int64_t retry_most_s = 3'600;
  static constexpr int64_t retry_stalled_most_s = 30;

  const ingestion_config& config_;
  const int64_t steady_us_;
  absl::flat_hash_map<uint32_t, model::backlog::outlook> rooms_;
};

// Validates and stamps one event; what is fine becomes a record.
event_result admit(ingestion_ptr self, click_event& event, int64_t now_us, lag_gate& gate,
                   std::vector<log_record>& records) {
  auto& st = self->state;
  if (auto bad = model::validate(event))
    return refused(event, errc::invalid_argument, std::move(bad.reason));
  log_record record;
  record.key = model::record_key(event.site_id, event.page_url);
  record.partition = model::partition_of(record.key, st.config.log->partitions());
  // Who accepts for a stopped partition knows that nobody can say when it is counted.
  const bool stopped = is_stopped(self, record.partition);
  if (stopped && !st.config.accept_when_stopped)
    return refuse_stopped(self, event, record.partition);
  if (!stopped && !gate.admit(record.partition))
    return gate.refuse(event, record.partition);
  if (event.event_id.empty()) // A GATEWAY of an earlier version left it to us.
    event.event_id = model::uuid7(now_us / 1000, st.random(), st.random());
  if (event.at_us == unset_time)
    event.at_us = now_us;
  record.value = model::encode_record(event, now_us);
  records.push_back(std::move(record));
  event_result out;
  out.at_us = event.at_us;
  out.event_id = std::move(event.event_id);
  return out;
}

/// Requests whose records go to the log together.
struct bunch {
  ingestion_state::append open;
  std::vector<log_record> records;
};

// From here on, until the report, no answer says that it knows of this time.
void note_sent(ingestion_ptr self, bunch& x, int64_t now) {
  auto& parts = self->state.config.status->parts;
  auto& sent = x.open.sent;
  for (const auto& record : x.records) {
    auto at = std::find_if(sent.begin(), sent.end(),
                           [&](const auto& y) { return y.first == record.partition; });
    if (at == sent.end())
      at = sent.insert(at, {record.partition, 0});
    ++at->second;
  }
  for (const auto& [partition, records] : sent)
    parts[partition].with_backlog([now, n = records](auto& backlog) { backlog.send(now, n); });
  x.open.arrived_us = now;
  x.open.sent_us = self->state.config.steady();
}

void append(ingestion_ptr self, bunch& x) {
  auto& st = self->state;
  const auto number = st.next_batch++;
  const auto count = x.records.size();
  st.open.emplace(number, std::move(x.open));
  auto me = caf::actor_cast<ingestion_actor>(self);
  if (seeded_bug("ack-on-enqueue") || seeded_bug("no-drain-flush"))
    caf::anon_send(me, atom::appended_v, number,
                   std::vector<append_outcome>(count, {outcome::accepted, errc::none, {0, 0}}));
  st.config.log->append(std::move(x.records), [me, number](std::vector<append_outcome> outcomes) {
    caf::anon_send(me, atom::appended_v, number, std::move(outcomes));
  });
}

// An append is answered when all its records are in the log, and a partition may be
// without a leader: requests go together only where they wait for the same one.
class bunches {
public:
  std::vector<bunch> all;

  bunch& of(const std::vector<log_record>& records) {
    const auto partition = records.front().partition;
    for (const auto& x : records)
      if (x.partition != partition)
        return all.emplace_back();
    const auto [at, fresh] = by_partition_.emplace(partition, all.size());
    return fresh ? all.emplace_back() : all[at->second];
  }

private:
  absl::flat_hash_map<uint32_t, size_t> by_partition_;
};

void ingest(ingestion_ptr self, std::vector<ingest_ask>& asks) {
  auto& status = *self->state.config.status;
  const auto now = status.begin_arrivals(self->state.config.now);
  lag_gate gate{self->state.config};
  bunches to;
  std::vector<log_record> records;
  std::vector<ingest_answer> refused;
  for (auto& ask : asks) {
    ingest_answer answer;
    answer.ticket = ask.ticket;
    answer.results.reserve(ask.events.size());
    records.clear();
    for (auto& event : ask.events)
      answer.results.push_back(admit(self, event, now, gate, records));
    if (records.empty()) {
      tell(self, ask.trace, answer);
      refused.push_back(std::move(answer));
      continue;
    }
    auto& [open, all] = to.of(records);
    if (ask.trace.sampled)
      open.traced.emplace_back(static_cast<uint32_t>(open.answers.size()), ask.trace);
    for (uint32_t i = 0; i < answer.results.size(); ++i)
      if (answer.results[i].code == errc::none)
        open.places.push_back({static_cast<uint32_t>(open.answers.size()), i});
    open.answers.push_back(std::move(answer));
    std::move(records.begin(), records.end(), std::back_inserter(all));
  }
  if (!refused.empty())
    send_answers(self, self->current_sender(), std::move(refused));
  for (auto& x : to.all)
    note_sent(self, x, now);
  status.end_arrivals();
  for (auto& x : to.all) {
    x.open.from = self->current_sender();
    append(self, x);
  }
}

// What is acknowledged now waits until it is applied. Before the client hears of it: no
// answer to a question that is asked later passes over it.
// @returns the lag of the partitions, the greatest.
int64_t note_settled(ingestion_ptr self, const ingestion_state::append& batch,
                     const std::vector<append_outcome>& outcomes, int64_t now) {
  auto& parts = self->state.config.status->parts;
  const auto steady = self->state.config.steady();
  auto oldest = now;
  for (const auto& sent : batch.sent) {
    const auto partition = sent.first;
    auto first = std::numeric_limits<int64_t>::max();
    int64_t end = 0;
    for (const auto& x : outcomes)
      if (x.status == outcome::accepted && x.pos.partition == partition) {
        first = std::min(first, x.pos.offset);
        end = std::max(end, x.pos.offset + 1);
      }
    parts[partition].with_backlog([&](auto& backlog) {
      if (first < end)
        backlog.learn(first, end, batch.arrived_us, batch.arrived_us, steady);
      backlog.settle(batch.arrived_us, sent.second);
      if (const auto waits = backlog.oldest(); waits && *waits > 0)
        oldest = std::min(oldest, *waits);
    });
    parts[partition].raise_log_end(end);
  }
  return now - oldest;
}

void take_report(ingestion_ptr self, uint64_t number, const std::vector<append_outcome>& outcomes) {
  auto& st = self->state;
  auto at = st.open.find(number);
  if (at == st.open.end())
    return;
  auto batch = std::move(at->second);
  st.open.erase(at);
  const auto now = st.config.now();
  const auto lag = note_settled(self, batch, outcomes, now);
  for (auto& answer : batch.answers)
    answer.lag_us = lag;
  for (size_t i = 0; i < batch.places.size(); ++i) {
    auto& result = batch.answers[batch.places[i].answer].results[batch.places[i].result];
    const auto report = i < outcomes.size() ? outcomes[i] : append_outcome{};
    result.status = report.status;
    result.code = report.code;
    result.pos = report.pos;
    if (report.status != outcome::accepted)
      result.reason = reason_of(report.code);
  }
  auto& total = *st.config.counts;
  add(total.log_appends);
  total.append_duration.observe(st.config.steady() - batch.sent_us);
  for (const auto& [at_answer, trace] : batch.traced)
    tell(self, trace, batch.answers[at_answer]);
  failpoint("ingest.before_answer");
  send_answers(self, batch.from, std::move(batch.answers));
}

} // namespace

ingestion_actor::behavior_type ingestion(ingestion_ptr self, ingestion_config config) {
  self->state.config = std::move(config);
  self->state.config.status->forget_arrivals();
  self->entry()->set_state("running");
  return {
      [self](atom::ingest, std::vector<ingest_ask>& asks) { ingest(self, asks); },
      [self](atom::appended, uint64_t number, const std::vector<append_outcome>& outcomes) {
        take_report(self, number, outcomes);
      },
      [self](atom::describe) -> std::vector<state_field> {
        return {{"appends_open", std::to_string(self->state.open.size())},
                {"appends_sent", std::to_string(self->state.next_batch - 1)}};
      },
  };
}

} // namespace footfall
