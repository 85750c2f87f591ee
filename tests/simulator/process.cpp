#include "tests/simulator/process.hpp"

#include <cassert>

namespace footfall::simulator {

using kind = model::ownership_action::kind;

process::process(surroundings& around, std::string node, bool aggregates)
    : around_(around), node_(std::move(node)), aggregates_(aggregates),
      clock_offset_us_(around.here.between(s, 1'000'000 * s)),
      drift_ppm_(around.here.between(-1000, 1000)),
      wall_offset_us_(around.here.between(-7200 * s, 7200 * s)) {}

std::string process::label() const {
  return text(id());
}

int64_t process::own_clock_at(int64_t true_us) const noexcept {
  return clock_offset_us_ + true_us + true_us * drift_ppm_ / 1'000'000;
}

// The first moment at which the own clock shows `own_us`, or a little later.
int64_t process::true_time_at(int64_t own_us) const noexcept {
  return (own_us - clock_offset_us_) * 1'000'000 / (1'000'000 + drift_ppm_) + 2;
}

int64_t process::message_takes() {
  auto& here = around_.here;
  if (!here.luck.percent(around_.bad_messages))
    return here.between(ms, 20 * ms);
  if (here.luck.percent(20)) {
    here.happened(fault::lost);
    return 1'000'000 * s;
  }
  here.happened(fault::slow);
  return here.between(200 * ms, 1500 * ms);
}

void process::here_at(int64_t time_us, std::function<void()> what) {
  around_.here.at(time_us, [self = shared_from_this(), what] {
    if (!self->is_up_)
      return;
    if (self->is_stopped())
      return self->here_at(self->stopped_until_us_ + self->around_.here.luck.until(ms), what);
    what();
  });
}

void process::start() {
  for (size_t i = 0; i < connections_.size(); ++i)
    connect(i);
  here_at(around_.here.now() + around_.here.luck.until(200 * ms), [this] { work(); });
}

// What has reached a store that hangs is done when it goes on, also of clients that have given
// up, unless the server notices that.
void process::reach_store(size_t by, const connection& then, std::function<void()> statement) {
  auto& store = around_.store;
  auto& here = around_.here;
  if (store.lives() != then.store_life || !store.is_up()) {
    if (!cut_from_store_) // The machine, or the next server, knows nothing of the connection.
      here_at(here.now() + here.between(ms, 20 * ms), [this, by, session = then.session] {
        if (!is_over(by, session))
          disconnect(by);
      });
    return;
  }
  if (store.is_hung())
    return here.at(store.hung_until() + here.luck.until(10 * ms),
                   [self = shared_from_this(), by, then, statement] {
                     self->reach_store(by, then, statement);
                   });
  if (store.has_session(then.session) || here.luck.percent(50))
    statement();
}

void process::connect(size_t number) {
  auto& store = around_.store;
  auto& here = around_.here;
  auto& x = connections_[number];
  if (x.session != 0)
    return;
  if (cut_to_store_ || cut_from_store_ || !store.is_up() || store.is_hung())
    return here_at(here.now() + 100 * ms, [this, number] { connect(number); });
  x.session = store.open_session();
  x.store_life = store.lives();
  if (!rules_) {
    rules_ = std::make_unique<model::ownership>(owner_id{node_, store.new_incarnation(node_)},
                                                aggregates_, around_.rules);
    note([] { return std::string{"is there"}; });
    if (!has_log_)
      obey(rules_->log_fails(own_clock()));
    if (draining_)
      obey(rules_->drain(own_clock()));
  }
  obey(rules_->look(own_clock()));
}

void process::disconnect(size_t number) {
  auto& here = around_.here;
  auto& x = connections_[number];
  const auto session = std::exchange(x.session, 0);
  if (session == 0)
    return;
  // A server whose client says nothing any more believes in it for a while.
  here.after(cut_to_store_ ? 30 * s : here.between(ms, 20 * ms),
             [&store = around_.store, session] { store.close_session(session); });
  for (const auto& x : std::exchange(x.calls, {}))
    if (!std::exchange(x->is_over, true))
      x->fail();
  if (is_up_)
    here_at(here.now() + here.between(ms, 50 * ms), [this, number] { connect(number); });
}

void process::end(const char* how) {
  note([&] { return std::string{how}; });
  is_up_ = false;
  workers_.clear();
  for (size_t i = 0; i < connections_.size(); ++i)
    disconnect(i);
}

void process::kill(const char* how) {
  end(how);
}

void process::stop_until(int64_t time_us) {
  stopped_until_us_ = std::max(stopped_until_us_, time_us);
  note([] { return std::string{"is stopped"}; });
  around_.here.at(stopped_until_us_, [self = shared_from_this()] {
    if (!self->is_up_ || self->is_stopped())
      return;
    self->note([] { return std::string{"goes on"}; });
    self->answer(); // A question that waited may be the first thing it sees.
  });
}

void process::cut(bool to_store, bool from_store) {
  cut_to_store_ = to_store;
  cut_from_store_ = from_store;
}

void process::lose_connection() {
  const auto number = around_.here.luck.until(connections_.size() - 1);
  const auto session = connections_[number].session;
  note([] { return std::string{"lost a connection"}; });
  around_.store.close_session(session);
  here_at(around_.here.now() + around_.here.between(0, 10 * ms), [this, number, session] {
    if (!is_over(number, session))
      disconnect(number);
  });
}

void process::terminate() {
  if (std::exchange(draining_, true))
    return;
  note([] { return std::string{"drains"}; });
  here_at(around_.here.now(), [this] {
    if (rules_)
      obey(rules_->drain(own_clock()));
  });
}

// It notices when it fetches the next time (work), if it has anything to fetch.
void process::set_log(bool works) {
  has_log_ = works;
  note([&] { return std::string{works ? "has the log again" : "has lost the log"}; });
}

void process::peer_down(const std::string& node) {
  here_at(around_.here.now(), [this, node] {
    if (!rules_)
      return;
    note([&] { return "DOWN of " + node; });
    obey(rules_->peer_down(node, own_clock()));
  });
}

void process::wake() {
  const auto number = ++wake_no_;
  const auto wake_us = rules_->wake_us();
  if (rules_->ended() || wake_us == INT64_MAX)
    return;
  // A wrong one that lies in the past must not keep the time from passing.
  const auto soonest = around_.here.now() + (wake_us < own_clock() ? ms : 0);
  here_at(std::max(soonest, true_time_at(wake_us)), [this, number] {
    if (number == wake_no_)
      obey(rules_->tick(own_clock()));
  });
}

void process::obey(const steps& what) {
  for (const auto& x : what)
    if (is_up_)
      obey(x);
  if (is_up_)
    wake();
}

void process::obey(const model::ownership_action& x) {
  switch (x.what) {
  case kind::beat: return send_beat(x);
  case kind::claim: return send_claim(x);
  case kind::release: return release(x);
  case kind::run: return run(x.partition, x.epoch);
  case kind::stop:
    ++around_.here.counts.stops;
    note([&] { return "stops " + std::to_string(x.partition); });
    workers_.erase(x.partition);
    return;
  case kind::leave:
    ask<bool>([&store = around_.store, me = rules_->me()] { return store.leave(me), true; },
              [](std::optional<bool>) {});
    return end("leaves");
  case kind::end:
    if (around_.store.incarnation_of(node_) == rules_->me().incarnation)
      around_.here.wrong(label() + " ends as if another process had its name");
    return end("ends: its name is another process's");
  }
}

// Any that is there and has none under way, as lanes of one queue take them.
size_t process::way_of_beat() {
  const auto is_free = [this](size_t i) {
    const auto& x = connections_[i];
    return x.session != 0 && (!x.beat || x.beat->is_over);
  };
  const auto first = around_.here.luck.until(connections_.size() - 1);
  for (size_t i = 0; i < connections_.size(); ++i)
    if (const auto at = (first + i) % connections_.size(); is_free(at))
      return at;
  return first;
}

void process::send_beat(const model::ownership_action& x) {
  const auto wall_us = around_.here.now() + wall_offset_us_;
  const auto number = x.number;
  const beat_text said{rules_->me(),  number,  draining_, aggregates_,
                       rules_->log(), wall_us, x.spent_us};
  const auto by = way_of_beat();
  connections_[by].beat = ask<model::beat_answer>(
      [&store = around_.store, said, session = connections_[by].session] {
        return store.beat(session, said);
      },
      [this, number, sent_us = own_clock()](std::optional<model::beat_answer> got) {
        if (!got) {
          note([] { return std::string{"a beat failed"}; });
          return obey(rules_->beat_failed(number, own_clock()));
        }
        if (rules_->is_news(number))
          last_seen_us_ = std::max(last_seen_us_, sent_us);
        obey(rules_->beat_answered(number, *got, own_clock()));
      },
      by);
}

void process::send_claim(const model::ownership_action& x) {
  note([&] {
    return "claims " + std::to_string(x.partition) + " of " + text(x.owner) + ", epoch "
           + std::to_string(x.epoch) + (x.early ? ", early" : "");
  });
  if (const auto found = fenced_us_.find(x.partition);
      found != fenced_us_.end() && found->second > last_seen_us_)
    around_.here.wrong(label() + " claims partition " + std::to_string(x.partition)
                       + " although it was fenced and has not looked since");
  const claim_text said{x.partition, rules_->me(), x.owner, x.epoch, x.early};
  ask<std::optional<claim_grant>>(
      [&store = around_.store, said] { return store.claim(said); },
      [this, x](std::optional<std::optional<claim_grant>> got) {
        if (!got || !*got) {
          note([&] {
            return "claim of " + std::to_string(x.partition) + (got ? " refused" : " failed");
          });
          return obey(rules_->not_claimed(x.partition, x.number, own_clock()));
        }
        granted_next_[x.partition] = (*got)->next;
        obey(rules_->claimed(x.partition, x.number, (*got)->epoch, own_clock()));
      });
}

void process::release(const model::ownership_action& x) {
  const auto found = workers_.find(x.partition);
  if (found == workers_.end() || !found->second.applying_us)
    return send_release(x);
  found->second.when_idle = [this, x] { send_release(x); };
}

void process::send_release(const model::ownership_action& x) {
  note([&] {
    return "releases " + std::to_string(x.partition) + ", epoch " + std::to_string(x.epoch);
  });
  workers_.erase(x.partition);
  ask<bool>([&store = around_.store, x,
             me = rules_->me()] { return store.release(x.partition, me, x.epoch), true; },
            [this, x](std::optional<bool>) {
              obey(rules_->release_ended(x.partition, x.number, own_clock()));
            });
}

} // namespace footfall::simulator
