#include "actors/tend/node_status.hpp"

namespace footfall {

// The lock orders arrivals and bounds: an event that arrived before a bound is in
// `arriving_us_`, `away_us_`, or in a backlog, by the time the bound is taken.
int64_t node_status::begin_arrivals(const now_fn& now) {
  std::lock_guard guard{arrivals_};
  arriving_us_ = now();
  return *arriving_us_;
}

void node_status::end_arrivals() {
  std::lock_guard guard{arrivals_};
  arriving_us_.reset();
}

int64_t node_status::begin_away(const now_fn& now) {
  std::lock_guard guard{arrivals_};
  return *away_us_.insert(now());
}

void node_status::end_away(int64_t arrived_us) {
  std::lock_guard guard{arrivals_};
  if (const auto at = away_us_.find(arrived_us); at != away_us_.end())
    away_us_.erase(at);
}

void node_status::forget_arrivals() {
  for (auto& x : parts)
    x.with_backlog([](auto& y) { y.forget_sent(); });
  end_arrivals();
}

void node_status::set_replaced(std::string why) {
  std::lock_guard guard{cluster_mutex_};
  replaced_ = std::move(why);
}

std::string node_status::replaced() const {
  std::lock_guard guard{cluster_mutex_};
  return replaced_;
}

void node_status::set_links(std::vector<link_status> all) {
  std::lock_guard guard{cluster_mutex_};
  links_ = std::move(all);
}

std::vector<link_status> node_status::links() const {
  std::lock_guard guard{cluster_mutex_};
  return links_;
}

void node_status::set_cluster(const owner_id& me, const beat_answer& seen) {
  std::lock_guard guard{cluster_mutex_};
  cluster_ = {me, seen};
}

node_status::cluster_view node_status::cluster() const {
  std::lock_guard guard{cluster_mutex_};
  return cluster_;
}

int64_t node_status::newest_bound(const now_fn& now) const {
  std::lock_guard guard{arrivals_};
  auto bound = now();
  if (arriving_us_)
    bound = std::min(bound, *arriving_us_);
  if (!away_us_.empty())
    bound = std::min(bound, *away_us_.begin());
  return bound;
}

int64_t node_status::as_of_page(uint32_t home, const now_fn& now,
                                std::optional<int64_t> applied) const {
  auto out = newest_bound(now);
  const bool is_grown = has_grown();
  for (uint32_t i = 0; i < parts.size(); ++i)
    if (i == home)
      out = parts[i].complete_until(out, applied);
    else if (is_grown || parts[i].has_strays.load(std::memory_order_relaxed))
      out = parts[i].complete_until(out, {});
  return out;
}

// A stray's partition sends it, and says then that it is applied: it may wait in the mailbox
// of its home, behind what is told there now.
int64_t node_status::as_of_delta(uint32_t home, const now_fn& now, int64_t applied) const {
  const auto out = as_of_page(home, now, applied);
  if (has_grown())
    return 0;
  for (uint32_t i = 0; i < parts.size(); ++i)
    if (i != home && parts[i].has_strays.load())
      return 0;
  return out;
}

int64_t node_status::as_of_all(const now_fn& now) const {
  auto out = newest_bound(now);
  for (const auto& x : parts)
    out = x.complete_until(out, {});
  return out;
}

void node_status::hear_of(const std::vector<partition_state>& all, uint32_t homes, bool may_go_back,
                          int64_t steady_us) {
  constexpr size_t batch_max = 5'000; // Of the owner: for a pace that nobody here goes by.
  for (const auto& x : all) {
    while (parts.size() <= x.partition && parts.size() < partition_list::most)
      parts.grow().phase = partition_phase::idle;
    if (x.partition >= parts.size())
      continue;
    auto& part = parts[x.partition];
    part.with_backlog([&](auto& backlog) { // What was acknowledged here alone is known of it.
      if (may_go_back && backlog.started() && x.next_offset < backlog.applied())
        backlog.start_among_others(x.next_offset, 0, batch_max, steady_us, {0, 0});
    });
    part.hear_of(x.next_offset, x.folded_offset, false, batch_max, steady_us);
  }
  homes_ = homes;
  has_progress = true;
}

bool partition_status::hear_of(int64_t next, int64_t folded, bool may_go_back, size_t batch_max,
                               int64_t steady_us) {
  const auto is_known = with_backlog([&](auto& backlog) {
    const auto now = phase.load();
    if (now == partition_phase::claiming && !backlog.started()) // For answers of others meanwhile.
      backlog.start(next, 0, batch_max, steady_us);
    if (now != partition_phase::idle) // Its actor writes now.
      return false;
    if (!backlog.started() || (may_go_back && next < backlog.applied()))
      backlog.start(next, 0, batch_max, steady_us);
    else if (next > backlog.applied())
      backlog.apply(next, 0, steady_us);
    if (!is_stopped_elsewhere)
      stopped_at_us = 0;
    return true;
  });
  if (!is_known)
    return false;
  next_offset = next;
  folded_offset = folded;
  raise_log_end(next);
  with_history([&](auto& history) { history.start(next); }); // Of others.
  return true;
}

int64_t partition_status::complete_until(int64_t bound_us, std::optional<int64_t> applied) const {
  const auto known =
      with_backlog([&](const auto& x) { return x.complete_until(applied.value_or(x.applied())); });
  if (const auto stopped = stopped_at_us.load(); stopped != 0)
    bound_us = std::min(bound_us, stopped);
  return known ? std::min(bound_us, *known) : bound_us;
}

} // namespace footfall
