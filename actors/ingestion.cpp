#include "actors/ingestion.hpp"

#include <algorithm>
#include <iterator>

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
  default:
    return "the event log did not confirm; it may be stored; send it again with the same event_id";
  }
}

void send_answers(ingestion_ptr self, const caf::strong_actor_ptr& to,
                  std::vector<ingest_answer> answers) {
  if (to)
    self->send(caf::actor_cast<gateway_actor>(to), atom::ingested_v, std::move(answers));
}

// Nobody would count it before a person has decided.
bool refuse_stopped(ingestion_ptr self, uint32_t partition, event_result& out) {
  const auto& st = self->state;
  auto& parts = st.config.status->parts;
  if (st.config.accept_when_stopped || partition >= parts.size()
      || parts[partition].phase.load() != partition_phase::stopped)
    return false;
  out.status = outcome::rejected;
  out.code = errc::partition_stopped;
  out.reason = "partition " + std::to_string(partition)
               + " of the event log is stopped; nothing "
                 "was stored; send it again once it goes on (footfall partitions shows how). It "
                 "stopped because: "
               + parts[partition].why_stopped();
  add(st.config.counts->events_rejected);
  return true;
}

// Validates and stamps one event; what is fine becomes a record.
event_result admit(ingestion_ptr self, click_event& event, int64_t now_us,
                   std::vector<log_record>& records) {
  auto& st = self->state;
  event_result out;
  if (auto bad = model::validate(event)) {
    out.status = outcome::rejected;
    out.code = errc::invalid_argument;
    out.reason = std::move(bad.reason);
    out.event_id = std::move(event.event_id);
    add(st.config.counts->events_rejected);
    return out;
  }
  log_record record;
  record.key = model::record_key(event.site_id, event.page_url);
  record.partition = model::partition_of(record.key, st.config.log->partitions());
  if (refuse_stopped(self, record.partition, out)) {
    out.event_id = std::move(event.event_id);
    return out;
  }
  if (event.event_id.empty())
    event.event_id = model::uuid7(now_us / 1000, st.random(), st.random());
  if (event.at_us == unset_time)
    event.at_us = now_us;
  record.value = model::encode_record(event, now_us);
  records.push_back(std::move(record));
  out.at_us = event.at_us;
  out.event_id = std::move(event.event_id);
  return out;
}

/// Requests whose records go to the log together.
struct bunch {
  ingestion_state::append open;
  std::vector<log_record> records;
};

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
  const auto now = self->state.config.now();
  bunches to;
  std::vector<log_record> records;
  std::vector<ingest_answer> refused;
  for (auto& ask : asks) {
    ingest_answer answer;
    answer.ticket = ask.ticket;
    answer.results.reserve(ask.events.size());
    records.clear();
    for (auto& event : ask.events)
      answer.results.push_back(admit(self, event, now, records));
    if (records.empty()) {
      refused.push_back(std::move(answer));
      continue;
    }
    auto& [open, all] = to.of(records);
    for (uint32_t i = 0; i < answer.results.size(); ++i)
      if (answer.results[i].code == errc::none)
        open.places.push_back({static_cast<uint32_t>(open.answers.size()), i});
    open.answers.push_back(std::move(answer));
    std::move(records.begin(), records.end(), std::back_inserter(all));
  }
  if (!refused.empty())
    send_answers(self, self->current_sender(), std::move(refused));
  for (auto& x : to.all) {
    x.open.from = self->current_sender();
    x.open.sent_at_us = now;
    append(self, x);
  }
}

void take_report(ingestion_ptr self, uint64_t number, const std::vector<append_outcome>& outcomes) {
  auto& st = self->state;
  auto at = st.open.find(number);
  if (at == st.open.end())
    return;
  auto batch = std::move(at->second);
  st.open.erase(at);
  uint64_t counts[4] = {};
  for (size_t i = 0; i < batch.places.size(); ++i) {
    auto& result = batch.answers[batch.places[i].answer].results[batch.places[i].result];
    const auto report = i < outcomes.size() ? outcomes[i] : append_outcome{};
    result.status = report.status;
    result.code = report.code;
    result.pos = report.pos;
    if (report.status != outcome::accepted)
      result.reason = reason_of(report.code);
    else if (report.pos.partition < st.config.status->parts.size())
      st.config.status->parts[report.pos.partition].raise_log_end(report.pos.offset + 1);
    ++counts[static_cast<size_t>(report.status) & 3];
  }
  auto& total = *st.config.counts;
  add(total.log_appends);
  add(total.events_accepted, counts[static_cast<size_t>(outcome::accepted)]);
  add(total.events_rejected, counts[static_cast<size_t>(outcome::rejected)]);
  add(total.events_unknown, counts[static_cast<size_t>(outcome::unknown)]);
  total.append_duration.observe(st.config.now() - batch.sent_at_us);
  failpoint("ingest.before_answer");
  send_answers(self, batch.from, std::move(batch.answers));
}

} // namespace

ingestion_actor::behavior_type ingestion(ingestion_ptr self, ingestion_config config) {
  self->state.config = std::move(config);
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
