#include "actors/count/partition.hpp"

#include <algorithm>

#include "actors/count/partition_active.hpp"
#include "actors/count/partition_fold.hpp"
#include "actors/count/partition_lease.hpp"
#include "actors/count/partition_log.hpp"
#include "actors/count/partition_pages.hpp"
#include "actors/count/partition_times.hpp"
#include "actors/count/partition_waits.hpp"
#include "actors/port_answers.hpp"
#include "proto/failpoint.hpp"

namespace footfall {

namespace {

constexpr auto claim_tick = caf::atom("claim");
constexpr auto apply_tick = caf::atom("apply");

// Answers that are under way belong to the past from here on. What they tell of nobody else
// knows: no page that is live now may have it, and the cache is told at the next claim, when
// nothing of before has an effect any more.
void leave(partition_ptr self) {
  auto& st = self->state;
  st.is_untold = st.is_untold || st.progress.running();
  st.looking = st.sweep_set = st.asking_progress = false;
  partition_pages::reset(self);
}

void claim(partition_ptr self) {
  auto& st = self->state;
  if (st.skip)
    partition_log::give_skip_up(self);
  leave(self);
  st.progress.claim();
  if (st.config.leased) {
    partition_lease::ask_to_claim(self);
    return answer_waiters(self);
  }
  // One that is stopped takes no posts until it is known that it may go on.
  if (st.config.status->phase != partition_phase::stopped)
    st.config.status->phase = partition_phase::claiming;
  self->entry()->set_state("claiming");
  st.config.events->claim(
      st.config.partition,
      to_me<partition_claim>(self, atom::claimed_v, st.progress.claim_no(), claim_tick));
}

void claim_later(partition_ptr self, const caf::error& why) {
  auto& st = self->state;
  if (st.lease.releasing)
    return claim(self); // Nobody will: it is given away.
  leave(self);
  const std::chrono::microseconds wait{st.progress.claim_later()};
  self->entry()->set_state("waiting to claim");
  self->entry()->set_error(text_of(why));
  self->delayed_send(self, wait, atom::tick_v, st.progress.claim_no(), claim_tick);
}

void send_apply(partition_ptr self) {
  auto& st = self->state;
  auto batch = partition_pages::plan_apply(self);
  st.in_flight_mark = batch.mark;
  st.sent_at_us = st.config.steady();
  st.config.events->apply(
      std::move(batch),
      to_me<apply_result>(self, atom::applied_v, st.progress.claim_no(), apply_tick));
}

void obey(partition_ptr self, const model::progress_steps& steps) {
  auto& st = self->state;
  using kind = model::progress_step::kind;
  auto tick_after = [&](int64_t us, caf::atom_value what) {
    self->delayed_send(self, std::chrono::microseconds{us}, atom::tick_v, st.progress.claim_no(),
                       what);
  };
  for (const auto& x : steps)
    switch (x.what) {
    case kind::apply: send_apply(self); break;
    case kind::apply_later: tick_after(x.us, apply_tick); break;
    case kind::credit:
      if (st.nodes.reader)
        self->send(caf::actor_cast<log_reader_actor>(st.nodes.reader), atom::credit_v,
                   st.config.partition, x.count);
      break;
    case kind::fold:
      self->send(self, atom::tick_v, st.progress.claim_no(), partition_fold::fold_now);
      break;
    case kind::wait_for_folds: partition_fold::note_wait(self); break;
    case kind::fold_later: tick_after(x.us, partition_fold::fold_tick); break;
    }
}

void start(partition_ptr self) {
  auto& st = self->state;
  const auto& x = st.claimed;
  const auto steps = st.progress.start(x.epoch, x.next_offset, x.folded_offset);
  st.incarnation = x.incarnation;
  partition_pages::start(self);
  st.config.status->with_history([&](auto& history) { history.start(st.progress.next_offset()); });
  partition_times::start(self);
  partition_lease::mark(self);
  self->entry()->set_state("running");
  if (st.progress.next_offset() >= st.config.status->log_end.load())
    st.config.status->applies.well(st.config.steady()); // Nothing waits that could fail again.
  if (st.nodes.reader)
    self->send(caf::actor_cast<log_reader_actor>(st.nodes.reader), atom::open_v,
               st.config.partition, st.progress.next_offset(), st.progress.claim_no());
  show(self);
  answer_waiters(self);
  partition_log::look_later(self);
  obey(self, steps);
}

void stop_loudly(partition_ptr self, const std::string& why,
                 stop_kind kind = stop_kind::records_lost) {
  auto& st = self->state;
  auto& status = *st.config.status;
  const bool is_known = status.phase == partition_phase::stopped && why == status.why_stopped();
  leave(self);
  st.progress.stop();
  if (st.is_untold) // And may be so for long: nobody claims until a person says so.
    partition_pages::forget_untold(self);
  self->entry()->set_state("stopped");
  self->entry()->set_error(why);
  status.set_why_stopped(kind, why);
  partition_times::stop(self);
  partition_lease::mark(self);
  show(self);
  if (!is_known) // Else it claimed again, and may still not go on.
    add(st.config.counts->partitions_stopped);
  if (st.config.report && !is_known)
    st.config.report("partition " + std::to_string(st.config.partition) + " stopped: " + why);
}

void take_batch(partition_ptr self, log_batch& batch) {
  auto& st = self->state;
  if (!st.progress.running() || st.lease.releasing)
    return;
  if (!st.progress.joins(batch.first_offset, batch.next_offset)) {
    stop_loudly(self, "records from " + std::to_string(st.progress.read_offset())
                          + " on were asked for, and the event log gave "
                          + std::to_string(batch.first_offset) + " to "
                          + std::to_string(batch.next_offset - 1) + "; nothing of them is applied");
    return;
  }
  partition_times::learn(self, batch);
  st.progress.take_batch(batch.next_offset, batch.end_offset, std::move(batch.entries));
  obey(self, st.progress.next(st.config.steady()));
}

void obey(partition_ptr self, const partition_log::step& x) {
  using kind = partition_log::step::kind;
  switch (x.what) {
  case kind::wait: return;
  case kind::start: return start(self);
  case kind::claim: return claim(self);
  case kind::claim_later: return claim_later(self, make_error(errc::log_unavailable, x.why));
  case kind::stop:
    if (!self->state.progress.stopped())
      return stop_loudly(self, x.why, x.fault);
    // Known better now than when it stopped.
    self->entry()->set_error(x.why);
    self->state.config.status->set_why_stopped(x.fault, x.why);
    return partition_lease::mark(self);
  }
}

// What is under way belongs to the past, and nobody claims before OWNERSHIP says so.
template <class How>
void lie_idle(partition_ptr self, How how) {
  auto& st = self->state;
  if (st.skip)
    partition_log::give_skip_up(self);
  leave(self);
  st.progress.claim();
  how(self);
  answer_waiters(self);
}

void own(partition_ptr self, const partition_claim& x) {
  auto& st = self->state;
  if (st.skip)
    partition_log::give_skip_up(self);
  leave(self);
  st.progress.claim();
  partition_lease::take(self, x);
  if (st.config.status->phase != partition_phase::stopped)
    st.config.status->phase = partition_phase::claiming;
  self->entry()->set_state("claiming");
  obey(self, partition_log::take_claim(self, x));
}

void release(partition_ptr self) {
  if (partition_lease::begin_release(self))
    lie_idle(self, partition_lease::end_release);
}

// The store was another one, or went back: what this partition knows is of the one before.
bool is_current(partition_ptr self, uint64_t incarnation) {
  if (incarnation == self->state.incarnation)
    return true;
  claim(self);
  return false;
}

void take_applied(partition_ptr self, const apply_result& result) {
  auto& st = self->state;
  if (st.skip)
    return obey(self, partition_log::take_skipped(self, result));
  if (!is_current(self, result.incarnation))
    return;
  if (!result.moved) {
    add(st.config.counts->partitions_fenced);
    if (st.config.leased)
      return lie_idle(self, partition_lease::tell_fenced);
    auto why = make_error(errc::fenced, "another owner took the partition over");
    st.config.status->applies.failed(st.config.steady(), text_of(why));
    claim_later(self, why);
    return;
  }
  st.applied_at_us = st.config.now();
  const auto steady = st.config.steady();
  st.config.status->applies.well(steady);
  st.progress.applied(steady);
  st.lease.applied_us = st.sent_at_us;
  st.known.next_offset = st.progress.next_offset();
  if (st.in_flight_mark.offset >= 0)
    st.known.mark = st.in_flight_mark;
  failpoint("partition.after_applied");
  partition_pages::note_applied(self, result);
  partition_times::measure(self, result);
  partition_pages::hand_out(self, result);
  partition_times::applied(self);
  show(self);
  partition_log::tell_kept(self);
  answer_waiters(self);
  if (st.lease.releasing)
    return lie_idle(self, partition_lease::end_release);
  obey(self, st.progress.go_on(steady));
}

void take_failure(partition_ptr self, caf::atom_value what, const caf::error& why) {
  auto& st = self->state;
  self->entry()->set_error(text_of(why));
  if (what == wait_what)
    return answer_waiters(self, {});
  if (what == partition_lease::mark_what)
    return partition_lease::mark_later(self);
  if (what == partition_log::look_what || st.skip)
    return obey(self, partition_log::take_failure(self, why));
  if (partition_fold::is_of_fold(what))
    return obey(self, partition_fold::failed(self, why));
  if (st.lease.releasing)
    return lie_idle(self, partition_lease::end_release);
  if (code_of(why) == errc::gap) {
    stop_loudly(self, text_of(why));
    partition_log::look(self); // What is to be done depends on what the log holds.
    return;
  }
  // An apply may have been committed all the same. Claiming again reads how far
  // it came, raises the epoch, and drops live state that missed its rows.
  add(st.config.counts->apply_failures);
  st.config.status->applies.failed(st.config.steady(), text_of(why));
  claim_later(self, why);
}

void take_folded(partition_ptr self, const fold_result& x) {
  if (!is_current(self, x.incarnation))
    return;
  obey(self, partition_fold::take(self, x));
}

void take_progress(partition_ptr self, const std::vector<partition_state>& all) {
  const bool is_for_fold = self->state.progress.running();
  is_for_fold ? obey(self, partition_fold::take_progress(self, all)) : answer_waiters(self, all);
}

// Whether an answer is for the claim that counts.
bool is_now(partition_ptr self, uint64_t claim_no) {
  return claim_no == self->state.progress.claim_no();
}

void take_tick(partition_ptr self, uint64_t claim_no, caf::atom_value what) {
  if (!is_now(self, claim_no))
    return;
  if (what == claim_tick)
    return claim(self);
  if (what == wait_what)
    return answer_waiters(self);
  if (what == partition_fold::fold_tick || what == partition_fold::fold_now)
    return partition_fold::run(self, what);
  if (what == partition_log::look_what)
    return partition_log::look(self);
  if (what == partition_lease::mark_what)
    return partition_lease::mark(self);
  if (what == partition_log::keep_what)
    return partition_log::tell_kept(self);
  if (what != apply_tick)
    return partition_pages::sweep(self);
  auto& st = self->state;
  obey(self, st.progress.gathered(st.config.steady()));
}

void rewire(partition_ptr self, wiring& nodes) {
  auto& st = self->state;
  const bool new_reader = nodes.reader != st.nodes.reader,
             new_cache = nodes.cache != st.nodes.cache,
             new_owner = nodes.ownership != st.nodes.ownership;
  st.nodes = std::move(nodes);
  if (new_cache)
    partition_pages::renew(self);
  if (st.config.leased && new_owner)
    return lie_idle(self, partition_lease::drop); // It will hear whether it has a claim.
  if (!st.progress.has_claimed() || (new_reader && !st.progress.stopped()))
    claim(self); // A new reader knows nothing of this partition: start over.
}

// One that is stopped claims no more by itself, and what was committed meanwhile nobody was told.
void take_late(partition_ptr self) {
  if (self->state.progress.stopped())
    partition_pages::forget_untold(self);
}

// Without a claim it has nothing of the store.
void renew(partition_ptr self, uint64_t incarnation) {
  const auto& st = self->state;
  if (!st.progress.has_claimed() || st.incarnation >= incarnation)
    return;
  partition_times::doubt(self);           // A claim of before may have ended meanwhile.
  self->state.progress.forget_failures(); // The store is there.
  claim(self);
}

} // namespace

partition_actor::behavior_type partition(partition_ptr self, partition_config config) {
  begin(self, std::move(config));
  return {
      [self](atom::claimed, uint64_t n, const partition_claim& x) {
        if (is_now(self, n))
          obey(self, partition_log::take_claim(self, x));
      },
      [self](atom::adopted, uint64_t n, bool is_ours) {
        if (is_now(self, n))
          obey(self, partition_log::take_adopted(self, is_ours));
      },
      [self](atom::applied, uint64_t n, const apply_result& x) {
        is_now(self, n) ? take_applied(self, x) : take_late(self);
      },
      [](atom::marked, uint64_t, bool) {},
      [self](atom::folded, uint64_t n, const fold_result& x) {
        if (is_now(self, n))
          take_folded(self, x);
      },
      [self](atom::progress, uint64_t n, const std::vector<partition_state>& x) {
        if (is_now(self, n))
          take_progress(self, x);
      },
      [self](atom::loaded, uint64_t n, store_answer& x) {
        if (is_now(self, n) && (x.code != errc::none || is_current(self, x.incarnation)))
          partition_pages::take_loads(self, x);
      },
      [self](atom::looked, uint64_t n, const log_view& x) {
        if (is_now(self, n))
          obey(self, partition_log::take_look(self, x));
      },
      [self](atom::failed, uint64_t n, caf::atom_value what, const caf::error& why) {
        is_now(self, n) ? take_failure(self, what, why) : take_late(self);
      },
      [self](atom::tick, uint64_t n, caf::atom_value what) { take_tick(self, n, what); },
      [self](atom::batch, uint64_t n, log_batch& x) {
        if (is_now(self, n))
          take_batch(self, x);
      },
      [self](atom::ask, std::vector<page_ask>& xs) { partition_pages::ask(self, xs); },
      [self](atom::watch, page_ask& x) { partition_pages::watch(self, x); },
      [self](atom::active, const active_ask& x) { partition_active::answer(self, x); },
      [self](atom::await, uint64_t ticket, int64_t offset) { await(self, ticket, offset); },
      [self](atom::renewed, uint64_t incarnation) { renew(self, incarnation); },
      [self](atom::reclaim) { claim(self); },
      [self](atom::own, const partition_claim& x) { own(self, x); },
      [self](atom::release) { release(self); },
      [self](atom::disown) { lie_idle(self, partition_lease::drop); },
      [self](atom::skip, int64_t to) { return partition_log::skip(self, to); },
      [self](atom::delta, page_delta& x) { partition_pages::take_delta(self, std::move(x)); },
      [self](atom::forget) { partition_pages::lack(self); },
      [self](atom::pages, uint32_t most) { return partition_pages::live(self, most); },
      [self](atom::check, const std::string& p, page_load& x) {
        return partition_pages::check(self, p, x);
      },
      [self](atom::wire, wiring& x) { rewire(self, x); },
      [self](atom::describe) { return describe(self->state); },
  };
}

} // namespace footfall
