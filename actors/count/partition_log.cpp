#include "actors/count/partition_log.hpp"

#include "actors/count/partition_pages.hpp"
#include "actors/count/partition_times.hpp"
#include "actors/port_answers.hpp"

namespace footfall::partition_log {

namespace {

using kind = step::kind;

constexpr auto skip_what = caf::atom("skip");

/// A store that syncs later does so within a second or two, when nothing more comes.
constexpr std::chrono::seconds kept_again_after{2};

constexpr auto claims_again = "the partition claims again; look again in a moment";

std::string text(int64_t x) {
  return std::to_string(x);
}

std::string owner_in_words(partition_ptr self) {
  for (const auto& x : self->state.config.node->cluster().seen.partitions)
    if (x.partition == self->state.config.partition && !x.owner.nobody())
      return "node " + x.owner.node;
  return "the node that has it";
}

step end_skip(partition_ptr self, errc code, std::string reason) {
  self->state.skip->promise.deliver(partition_reply{code, std::move(reason)});
  self->state.skip.reset();
  return {};
}

/// It is not where it was thought to be: by another owner, or by a skip of before whose
/// answer was lost.
step end_skip_elsewhere(partition_ptr self) {
  end_skip(self, errc::fenced, "the partition was moved meanwhile; look again");
  return {kind::claim, {}, {}};
}

/// Why the log, as it is, does not let the partition go on at `to`; empty when it does.
std::string wrong_with(int64_t to, int64_t next_offset, const log_view& found) {
  if (to <= next_offset)
    return "offset " + text(to) + " does not lie behind " + text(next_offset)
           + ", where the partition stands";
  if (to > found.end)
    return "offset " + text(to) + " lies beyond the end of the log, " + text(found.end);
  if (to < found.first)
    return "the log begins at offset " + text(found.first)
           + "; skip to that one, or the partition stops again";
  return {};
}

/// The range goes to the bad events as one row, in the step that moves next_offset.
void store_skip(partition_ptr self, const partition_claim& x) {
  auto& st = self->state;
  const auto to = st.skip->to;
  apply_request out;
  out.partition = st.config.partition;
  out.epoch = x.epoch;
  out.first_offset = st.progress.next_offset();
  out.next_offset = to;
  out.bad.push_back({st.progress.next_offset(), st.config.now(),
                     "skipped by a person: records " + text(st.progress.next_offset()) + " to "
                         + text(to - 1) + " (" + text(to - st.progress.next_offset())
                         + ") were not applied; the partition "
                         + "had stopped: " + st.config.status->why_stopped(),
                     ""});
  st.config.events->apply(std::move(out), to_me<apply_result>(self, atom::applied_v,
                                                              st.progress.claim_no(), skip_what));
}

step claim_for_skip(partition_ptr self, const log_view& found) {
  auto& st = self->state;
  if (auto wrong = wrong_with(st.skip->to, st.progress.next_offset(), found); !wrong.empty())
    return end_skip(self, errc::invalid_argument, wrong);
  if (st.config.leased) { // The claim that it has covers the skip as well.
    store_skip(self, st.claimed);
    return {};
  }
  st.config.events->claim(
      st.config.partition,
      to_me<partition_claim>(self, atom::claimed_v, st.progress.claim_no(), skip_what));
  return {};
}

step stop_damaged(partition_ptr self, const partition_claim& x) {
  auto& st = self->state;
  st.claimed = x;
  st.incarnation = x.incarnation;
  st.progress.stand_at(x.next_offset, x.folded_offset);
  return {kind::stop, stop_kind::store_damaged,
          "the store contradicts itself: of partition " + text(st.config.partition)
              + " it has applied the records below " + text(x.next_offset)
              + ", and folded those below " + text(x.folded_offset)
              + "; put back a backup of the store"};
}

step judge_claim(partition_ptr self, const model::log_verdict& x) {
  auto& st = self->state;
  if (x.fault == stop_kind::none) {
    st.is_doubted = false;
    if (x.identity.empty())
      return {kind::start, {}, {}};
    st.asked.identity = x.identity;
    st.config.events->adopt(st.config.partition, st.claimed.epoch, x.identity,
                            to_me<bool>(self, atom::adopted_v, st.progress.claim_no(), look_what));
    return {};
  }
  // A new leader of a Kafka partition may tell a lower end for a moment.
  if (x.fault == stop_kind::log_too_short && !std::exchange(st.is_doubted, true))
    return {kind::claim_later, {}, x.why};
  st.progress.stand_at(st.claimed.next_offset, st.claimed.folded_offset);
  st.incarnation = st.claimed.incarnation;
  return {kind::stop, x.fault, x.why};
}

} // namespace

void look(partition_ptr self) {
  auto& st = self->state;
  if (std::exchange(st.looking, true))
    return;
  st.asked = st.known;
  // Records of a log that was made anew since the last look may be applied already: what it
  // is told by is a record that stood there then.
  st.newest = st.known.mark;
  const bool is_same = st.agreed_generation == st.claimed.generation;
  if (is_same && st.agreed.offset >= 0 && st.agreed.offset < st.known.next_offset)
    st.asked.mark = st.agreed;
  st.config.log->look(st.config.partition, st.asked.mark.offset,
                      to_me<log_view>(self, atom::looked_v, st.progress.claim_no(), look_what));
}

void look_later(partition_ptr self) {
  auto& st = self->state;
  if (st.config.look_every.count() > 0)
    self->delayed_send(self, st.config.look_every, atom::tick_v, st.progress.claim_no(), look_what);
}

step take_claim(partition_ptr self, const partition_claim& x) {
  auto& st = self->state;
  st.asks_kept_at_us = 0; // A tick of before comes for another claim.
  if (!st.skip) {
    if (x.folded_offset > x.next_offset)
      return stop_damaged(self, x);
    const bool is_moved = x.next_offset != st.claimed.next_offset;
    if (std::exchange(st.is_untold, false) || is_moved || x.incarnation != st.claimed.incarnation)
      partition_pages::forget_untold(self);
    st.config.status->strays_untold = false; // No apply of before has an effect any more.
    st.claimed = x;
    st.known = {x.log_id, x.next_offset, x.mark};
    st.looking = false;
    look(self);
    return {};
  }
  if (x.next_offset != st.progress.next_offset())
    return end_skip_elsewhere(self);
  store_skip(self, x);
  return {};
}

step take_look(partition_ptr self, const log_view& x) {
  auto& st = self->state;
  st.looking = false;
  if (st.skip)
    return claim_for_skip(self, x);
  const auto verdict = model::check_log(st.config.partition, st.asked, x);
  if (st.progress.stopped())
    return verdict.fault == stop_kind::none ? step{} : step{kind::stop, verdict.fault, verdict.why};
  if (verdict.fault == stop_kind::none) {
    st.agreed = st.newest;
    st.agreed_generation = st.claimed.generation;
    partition_times::looked(self, x);
  }
  if (!st.progress.running())
    return judge_claim(self, verdict);
  if (verdict.fault != stop_kind::none)
    return {kind::claim, {}, {}};
  look_later(self);
  return {};
}

step take_adopted(partition_ptr self, bool is_ours) {
  if (!is_ours)
    return {kind::claim_later, {}, "another owner took the partition over"};
  self->state.known.identity = self->state.asked.identity;
  return {kind::start, {}, {}};
}

step take_skipped(partition_ptr self, const apply_result& x) {
  auto& st = self->state;
  if (!x.moved)
    return end_skip_elsewhere(self);
  end_skip(self, errc::none,
           "partition " + text(st.config.partition) + " goes on at offset " + text(st.skip->to)
               + "; offsets " + text(st.progress.next_offset()) + " to " + text(st.skip->to - 1)
               + " are written down as one bad event");
  return {kind::claim, {}, {}};
}

step take_failure(partition_ptr self, const caf::error& why) {
  auto& st = self->state;
  st.looking = false;
  if (st.skip)
    return end_skip(self, code_of(why), text_of(why));
  if (st.progress.stopped())
    return {};
  if (!st.progress.running())
    return {kind::claim_later, {}, text_of(why)};
  look_later(self);
  return {};
}

void give_skip_up(partition_ptr self) {
  end_skip(self, errc::fenced, claims_again);
}

void tell_kept(partition_ptr self) {
  auto& st = self->state;
  if (!st.progress.running() || !st.nodes.reader)
    return;
  const auto partition = st.config.partition;
  const auto applied = st.progress.next_offset();
  const auto kept = st.config.events->kept_below(partition, applied);
  self->send(caf::actor_cast<log_reader_actor>(st.nodes.reader), atom::applied_v, partition, kept);
  const auto claim_no = st.progress.claim_no();
  const auto now = st.config.steady();
  if (kept == applied || now < st.asks_kept_at_us)
    return;
  st.asks_kept_at_us = now + std::chrono::microseconds{kept_again_after}.count();
  self->delayed_send(self, kept_again_after, atom::tick_v, claim_no, keep_what);
}

caf::result<partition_reply> skip(partition_ptr self, int64_t to) {
  auto& st = self->state;
  auto refuse = [](errc code, std::string why) { return partition_reply{code, std::move(why)}; };
  if (!st.progress.stopped() && st.config.status->phase == partition_phase::stopped)
    return refuse(errc::overloaded, claims_again);
  if (st.config.leased && st.lease.epoch == 0)
    return refuse(errc::not_found, "partition " + text(st.config.partition)
                                       + " is another node's; ask " + owner_in_words(self));
  if (!st.progress.stopped())
    return refuse(errc::not_found, "partition " + text(st.config.partition)
                                       + " is not stopped; nothing was skipped");
  if (st.skip)
    return refuse(errc::overloaded, "another skip of the partition is under way");
  if (st.config.status->stopped.load() != stop_kind::records_lost)
    return refuse(errc::invalid_argument,
                  "skipping does not help here: " + st.config.status->why_stopped());
  st.skip = partition_state_data::skip_ask{to, self->make_response_promise<partition_reply>()};
  look(self);
  return st.skip->promise;
}

} // namespace footfall::partition_log
