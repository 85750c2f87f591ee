#include "actors/count/log_reader.hpp"

#include <algorithm>

namespace footfall {

namespace {

partition_actor partition_of(log_reader_ptr self, uint32_t partition) {
  return caf::actor_cast<partition_actor>(self->state.nodes.partition(partition));
}

void fetch_more(log_reader_ptr self, uint32_t partition) {
  auto& st = self->state;
  auto& sub = st.open[partition];
  if (sub.fetching || sub.credit == 0)
    return;
  sub.fetching = true;
  auto me = caf::actor_cast<log_reader_actor>(self);
  st.config.log->fetch(partition, sub.next_offset, st.config.limits,
                       [me, partition, claim_no = sub.claim_no](caf::expected<log_batch> x) {
                         if (x)
                           caf::anon_send(me, atom::batch_v, claim_no, std::move(*x));
                         else
                           caf::anon_send(me, atom::failed_v, claim_no, partition,
                                          std::move(x.error()));
                       });
}

void take_batch(log_reader_ptr self, uint64_t claim_no, log_batch& batch) {
  auto& sub = self->state.open[batch.partition];
  if (sub.claim_no != claim_no)
    return; // It was for an older claim.
  sub.fetching = false;
  sub.failures = 0;
  --sub.credit;
  sub.next_offset = batch.next_offset;
  const auto partition = batch.partition;
  self->send(partition_of(self, partition), atom::batch_v, claim_no, std::move(batch));
  fetch_more(self, partition);
}

void take_failure(log_reader_ptr self, uint64_t claim_no, uint32_t partition,
                  const caf::error& why) {
  auto& sub = self->state.open[partition];
  if (sub.claim_no != claim_no)
    return;
  sub.fetching = false;
  self->entry()->set_error(text_of(why));
  if (is_retryable(code_of(why))) {
    const auto wait = std::chrono::milliseconds(50 << std::min(sub.failures++, 5u));
    self->delayed_send(self, wait, atom::tick_v, claim_no, partition);
  } else {
    self->send(partition_of(self, partition), atom::failed_v, claim_no, caf::atom("log"), why);
  }
}

std::vector<state_field> describe(log_reader_ptr self) {
  std::vector<state_field> out;
  for (const auto& [partition, sub] : self->state.open)
    out.push_back({"partition_" + std::to_string(partition),
                   "{\"next_offset\":" + std::to_string(sub.next_offset)
                       + ",\"credit\":" + std::to_string(sub.credit)
                       + ",\"fetching\":" + (sub.fetching ? "true" : "false") + "}"});
  return out;
}

} // namespace

log_reader_actor::behavior_type log_reader(log_reader_ptr self, log_reader_config config) {
  self->state.config = config;
  self->entry()->set_key(config.log->topic());
  self->entry()->set_state("running");
  return {
      [self](atom::open, uint32_t partition, int64_t from, uint64_t claim_no) {
        auto& sub = self->state.open[partition];
        sub.claim_no = claim_no;
        sub.next_offset = from;
        sub.credit = 0;
        sub.fetching = false;
      },
      [self](atom::close, uint32_t partition) {
        self->state.open.erase(partition);
        self->state.config.log->close(partition);
      },
      [self](atom::credit, uint32_t partition, uint32_t more) {
        self->state.open[partition].credit += more;
        fetch_more(self, partition);
      },
      [self](atom::batch, uint64_t claim_no, log_batch& x) { take_batch(self, claim_no, x); },
      [self](atom::failed, uint64_t claim_no, uint32_t partition, const caf::error& why) {
        take_failure(self, claim_no, partition, why);
      },
      [self](atom::tick, uint64_t claim_no, uint32_t partition) {
        if (self->state.open[partition].claim_no == claim_no)
          fetch_more(self, partition);
      },
      [self](atom::applied, uint32_t partition, int64_t below) {
        self->state.config.log->applied(partition, below);
      },
      [self](atom::wire, wiring& x) { self->state.nodes = std::move(x); },
      [self](atom::describe) { return describe(self); },
  };
}

} // namespace footfall
