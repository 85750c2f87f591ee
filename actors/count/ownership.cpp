#include "actors/count/ownership.hpp"

#include <algorithm>

#include "actors/count/ownership_marks.hpp"
#include "actors/port_answers.hpp"

namespace footfall {

namespace {

using kind = model::ownership_action::kind;

constexpr auto join_what = caf::atom("join");
constexpr auto beat_what = caf::atom("beat");
constexpr auto claim_what = caf::atom("claim");
constexpr auto progress_what = caf::atom("progress");
constexpr auto leave_what = caf::atom("leave");
constexpr std::chrono::milliseconds again_after{500};
constexpr int64_t tick_most_us = 1'000'000;    // How the log is, is looked at so often.
constexpr int64_t log_silence_us = 2'000'000;  // It is asked each second, and has one to answer.
constexpr uint64_t leave_again = ~uint64_t{0}; // Not a number of the timer.

int64_t now(ownership_ptr self) {
  return self->state.config.steady();
}

partition_actor partition_of(ownership_ptr self, uint32_t number) {
  return caf::actor_cast<partition_actor>(self->state.nodes.partition(number));
}

// The partition has nothing under way any more, or is not there.
void release_now(ownership_ptr self, uint32_t partition) {
  auto& st = self->state;
  const auto at = st.releases.find(partition);
  if (at == st.releases.end())
    return;
  const auto x = at->second;
  st.releases.erase(at);
  auto me = caf::actor_cast<ownership_actor>(self);
  // The row's epoch rises with it.
  const partition_owner freed{partition, {}, x.epoch + 1};
  st.rows().release(partition, st.rules->me(), x.epoch,
                    [me, freed, n = x.number](const caf::expected<bool>& done) {
                      caf::anon_send(me, atom::released_v, n, freed, done && *done);
                    });
}

void send_beat(ownership_ptr self, uint64_t number, int64_t spent_us) {
  auto& st = self->state;
  node_beat x;
  x.me = st.rules->me();
  x.number = number;
  x.lease_us = st.config.rules.lease_us;
  x.spent_us = spent_us;
  x.partitions = static_cast<uint32_t>(st.config.status->parts.size());
  // Also while it only waits: who gives it work is to look away before it leaves.
  x.draining = st.rules->draining() || st.config.status->draining;
  x.log = st.rules->log();
  x.roles = st.config.roles;
  x.address = st.config.address;
  x.version = st.config.version;
  add(st.config.counts->beats);
  st.rows().beat(std::move(x), to_me<beat_answer>(self, atom::beat_v, number, beat_what));
}

void send_claim(ownership_ptr self, const model::ownership_action& x) {
  auto& st = self->state;
  auto me = caf::actor_cast<ownership_actor>(self);
  auto done = [me, n = x.number, p = x.partition](caf::expected<partition_claim> got) {
    if (got)
      caf::anon_send(me, atom::claimed_v, n, p, std::move(*got));
    else
      caf::anon_send(me, atom::failed_v, n, claim_what, p, std::move(got.error()));
  };
  st.config.events->claim(lease_claim{x.partition, st.rules->me(), x.owner, x.epoch, x.early},
                          std::move(done));
}

void send_release(ownership_ptr self, const model::ownership_action& x) {
  auto& st = self->state;
  st.releases[x.partition] = {x.number, x.epoch};
  if (auto to = partition_of(self, x.partition))
    self->send(to, atom::release_v);
  else
    release_now(self, x.partition);
}

// Peers hear of it sooner than by their beats.
void tell(ownership_ptr self, const partition_owner& x) {
  if (auto to = caf::actor_cast<membership_actor>(self->state.nodes.membership))
    self->send(to, atom::own_v, x);
}

void hand_out(ownership_ptr self, uint32_t partition) {
  auto& st = self->state;
  const auto at = st.claims.find(partition);
  if (at == st.claims.end())
    return;
  tell(self, {partition, st.rules->me(), at->second.epoch});
  add(st.config.counts->partitions_taken);
  if (auto to = partition_of(self, partition))
    self->send(to, atom::own_v, std::move(at->second));
  st.claims.erase(at);
}

void take_away(ownership_ptr self, uint32_t partition) {
  add(self->state.config.counts->partitions_lost);
  if (auto to = partition_of(self, partition))
    self->send(to, atom::disown_v);
}

void leave(ownership_ptr self) {
  auto& st = self->state;
  self->entry()->set_state("leaving");
  st.rows().leave(st.rules->me(), to_me<bool>(self, atom::left_v, uint64_t{0}, leave_what));
}

/// What QUERY and the partitions may answer from memory. Any that does not run here may not.
void show(ownership_ptr self) {
  auto& st = self->state;
  for (uint32_t i = 0; i < st.config.status->parts.size(); ++i) {
    const bool is_sure = st.rules && !st.config.status->doubts_memory;
    const auto x = is_sure ? st.rules->freshness_of(i) : model::freshness{};
    auto& part = st.config.status->parts[i];
    const auto epoch = st.rules ? st.rules->runs_with(i) : 0;
    if (part.fresh_epoch != epoch)
      part.fresh_until_us = 0; // While they do not belong together.
    part.fresh_epoch = epoch;
    part.confirmed_us = x.confirmed_us;
    part.fresh_until_us = x.until_us;
  }
}

void set_timer(ownership_ptr self) {
  auto& st = self->state;
  if (st.rules->ended())
    return;
  const auto wake = st.rules->wake_us();
  if (wake == st.wake_us)
    return;
  st.wake_us = wake;
  const auto wait = std::clamp<int64_t>(wake - now(self), 0, tick_most_us);
  self->delayed_send(self, std::chrono::microseconds{wait}, atom::tick_v, ++st.tick_no);
}

void obey(ownership_ptr self, const model::ownership_actions& all) {
  auto& st = self->state;
  for (const auto& x : all)
    switch (x.what) {
    case kind::beat: send_beat(self, x.number, x.spent_us); break;
    case kind::claim: send_claim(self, x); break;
    case kind::release: send_release(self, x); break;
    case kind::run: hand_out(self, x.partition); break;
    case kind::stop: take_away(self, x.partition); break;
    case kind::leave: leave(self); break;
    case kind::end:
      self->entry()->set_state("replaced");
      st.config.status->set_replaced("another process has joined the cluster as node "
                                     + st.config.node
                                     + "; give each node a name of its own (--node-name)");
      break;
    }
  show(self);
  set_timer(self);
}

void join(ownership_ptr self) {
  self->entry()->set_state("joining");
  self->state.rows().join(to_me<int64_t>(self, atom::joined_v, uint64_t{0}, join_what));
}

void take_joined(ownership_ptr self, int64_t incarnation) {
  auto& st = self->state;
  st.rules.emplace(owner_id{st.config.node, incarnation}, st.config.aggregates, st.config.rules);
  self->entry()->set_key(st.config.node + " " + std::to_string(incarnation));
  self->entry()->set_state("running");
  obey(self, st.draining ? st.rules->drain(now(self)) : st.rules->tick(now(self)));
}

// Of the partitions that others apply the store says how far they are.
void ask_progress(ownership_ptr self) {
  if (std::exchange(self->state.asking_progress, true))
    return;
  self->state.asked_in = self->state.config.events->incarnation();
  self->state.config.events->progress(
      to_me<std::vector<partition_state>>(self, atom::progress_v, uint64_t{0}, progress_what));
}

// What it has not been given is another's, as far as it knows now.
void note_joined(ownership_ptr self) {
  auto& status = *self->state.config.status;
  if (status.has_joined.exchange(true))
    return;
  for (auto& part : status.parts) {
    auto before = partition_phase::claiming;
    part.phase.compare_exchange_strong(before, partition_phase::idle);
  }
}

void take_failure(ownership_ptr self, uint64_t number, caf::atom_value what,
                  const caf::error& why) {
  auto& st = self->state;
  if (what == progress_what) {
    st.asking_progress = false;
    return;
  }
  if (what != beat_what || st.rules->is_news(number)) { // Else a later beat was answered.
    self->entry()->set_error(text_of(why));
    st.config.status->lease.failed(now(self), text_of(why));
  }
  if (what == beat_what) {
    add(st.config.counts->beats_failed);
    return obey(self, st.rules->beat_failed(number, now(self)));
  }
  self->delayed_send(self, again_after, atom::tick_v, what == join_what ? 0 : leave_again);
}

void take_beat(ownership_ptr self, uint64_t number, beat_answer& x) {
  auto& st = self->state;
  if (st.rules->is_over(number, now(self)))
    return take_failure(self, number, beat_what,
                        make_error(errc::timeout, "the store answered when the lease was over"));
  st.config.status->lease.well(now(self));
  note_joined(self);
  if (!st.rules->is_news(number))
    return obey(self, st.rules->beat_answered(number, x, now(self)));
  st.seen = std::move(x);
  st.config.status->set_cluster(st.rules->me(), st.seen);
  if (auto to = caf::actor_cast<membership_actor>(st.nodes.membership))
    self->send(to, atom::beat_v, st.rules->me(), st.seen);
  const bool forget = ownership_marks::take(self);
  obey(self, st.rules->beat_answered(number, st.seen, now(self))); // Shows who may answer now.
  if (forget)
    ownership_marks::forget(self);
  ask_progress(self);
}

// An answer may be older than what is known, unless the store went back.
void take_progress(ownership_ptr self, const std::vector<partition_state>& all) {
  auto& st = self->state;
  st.asking_progress = false;
  const bool is_same = st.config.events->incarnation() == st.asked_in;
  const bool may_go_back = std::exchange(st.known_in, st.asked_in) != st.asked_in;
  for (const auto& x : all) {
    if (!is_same || x.partition >= st.config.status->parts.size())
      continue;
    st.config.status->parts[x.partition].hear_of(x.next_offset, x.folded_offset, may_go_back,
                                                 st.config.batch_max, now(self));
  }
  const auto is_known = [](const auto& x) {
    return x.with_backlog([](const auto& backlog) { return backlog.started(); });
  };
  const auto& parts = st.config.status->parts;
  bool all_known = is_same;
  for (const auto& x : parts) // One that nobody ever had is not in the store.
    all_known = all_known && is_known(x);
  if (all_known)
    st.config.status->has_progress = true;
}

void take_released(ownership_ptr self, uint64_t number, const partition_owner& freed, bool done) {
  if (done)
    tell(self, freed);
  obey(self, self->state.rules->release_ended(freed.partition, number, now(self)));
}

void take_claimed(ownership_ptr self, uint64_t number, uint32_t partition, partition_claim& x) {
  auto& st = self->state;
  const auto epoch = x.epoch;
  if (!x.granted)
    return obey(self, st.rules->not_claimed(partition, number, now(self)));
  st.claims[partition] = std::move(x);
  obey(self, st.rules->claimed(partition, number, epoch, now(self)));
  st.claims.erase(partition); // It came too late.
}

// When the log last gave a sign, as far as this node could hear it: it may have been stopped.
int64_t log_heard(ownership_ptr self, int64_t at) {
  auto& st = self->state;
  if (at - std::exchange(st.looked_us, at) > log_silence_us)
    st.awake_since_us = at;
  return std::max(st.config.log->heard_us().value_or(at), st.awake_since_us);
}

void take_tick(ownership_ptr self, uint64_t number) {
  auto& st = self->state;
  if (!st.rules)
    return join(self);
  if (number == leave_again)
    return leave(self);
  if (number != st.tick_no)
    return;
  st.wake_us = 0;
  const auto at = now(self);
  const auto heard = log_heard(self, at);
  const bool works = st.config.log->health().empty() && at - heard < log_silence_us;
  obey(self, works ? st.rules->log_works(at) : st.rules->log_fails(at, heard));
}

// A partition that began again has no claim; one that is not there will not answer.
void rewire(ownership_ptr self, wiring& nodes) {
  auto& st = self->state;
  const auto before = std::exchange(st.nodes, std::move(nodes));
  if (!st.rules)
    return;
  for (uint32_t i = 0; i < st.config.status->parts.size(); ++i) {
    if (before.partition(i) == st.nodes.partition(i))
      continue;
    release_now(self, i);
    if (const auto epoch = st.rules->runs_with(i); epoch != 0)
      obey(self, st.rules->apply_failed(i, epoch, now(self)));
  }
}

std::vector<state_field> describe(const ownership_state& st) {
  std::vector<state_field> out;
  if (!st.rules)
    return out;
  uint64_t own = 0;
  for (const auto& x : st.seen.partitions)
    own += x.owner == st.rules->me();
  out.push_back({"incarnation", std::to_string(st.rules->me().incarnation)});
  out.push_back({"lease_until_us", std::to_string(st.rules->lease_until_us())});
  out.push_back({"nodes", std::to_string(st.seen.nodes.size())});
  out.push_back({"partitions", std::to_string(own)});
  return out;
}

} // namespace

ownership_actor::behavior_type ownership(ownership_ptr self, ownership_config config) {
  self->state.config = std::move(config);
  self->state.draining = self->state.config.status->is_leaving;
  show(self);
  join(self);
  auto& rules = self->state.rules;
  return {
      [self, &rules](atom::released, uint32_t partition, int64_t) { release_now(self, partition); },
      [self, &rules](atom::fenced, uint32_t partition, int64_t epoch) {
        if (rules)
          obey(self, rules->fenced(partition, epoch, now(self)));
      },
      [self, &rules](atom::reclaim, uint32_t partition, int64_t epoch) {
        if (rules)
          obey(self, rules->apply_failed(partition, epoch, now(self)));
      },
      [self](atom::joined, uint64_t, int64_t incarnation) { take_joined(self, incarnation); },
      [self](atom::beat, uint64_t number, beat_answer& x) { take_beat(self, number, x); },
      [self](atom::claimed, uint64_t number, uint32_t partition, partition_claim& x) {
        take_claimed(self, number, partition, x);
      },
      [self](atom::released, uint64_t number, const partition_owner& freed, bool done) {
        take_released(self, number, freed, done);
      },
      [self](atom::progress, uint64_t, const std::vector<partition_state>& x) {
        take_progress(self, x);
      },
      [self](atom::left, uint64_t, bool) {
        self->entry()->set_state("left");
        self->state.config.status->has_left = true;
      },
      [self](atom::failed, uint64_t number, caf::atom_value what, const caf::error& why) {
        take_failure(self, number, what, why);
      },
      [self, &rules](atom::failed, uint64_t number, caf::atom_value, uint32_t partition,
                     const caf::error& why) {
        self->entry()->set_error(text_of(why));
        obey(self, rules->not_claimed(partition, number, now(self)));
      },
      [self](atom::tick, uint64_t number) { take_tick(self, number); },
      [self, &rules](atom::down, const std::string& node) {
        if (rules)
          obey(self, rules->peer_down(node, now(self)));
      },
      [self, &rules](atom::look) {
        if (rules)
          obey(self, rules->look(now(self)));
      },
      [self, &rules](atom::stop) {
        self->state.draining = true;
        if (rules)
          obey(self, rules->drain(now(self)));
      },
      [self](atom::wire, wiring& x) { rewire(self, x); },
      [self](atom::describe) { return describe(self->state); },
  };
}

} // namespace footfall
