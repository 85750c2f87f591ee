#include "actors/count/partition_active.hpp"

#include <algorithm>

#include "actors/count/partition_lease.hpp"

namespace footfall::partition_active {

namespace {

constexpr int64_t second_us = 1'000'000;

int64_t now_s(partition_ptr self) {
  return self->state.config.now() / second_us;
}

void send(partition_ptr self, const active_ask& ask, active_part x, bool is_last = true) {
  x.is_last = is_last;
  x.ticket = ask.ticket;
  x.partition = self->state.config.partition;
  x.incarnation = self->state.incarnation;
  self->send(caf::actor_cast<query_actor>(ask.to), atom::active_v, std::move(x));
}

void refuse(partition_ptr self, const active_ask& ask, errc code, std::string reason) {
  active_part out;
  out.code = code;
  out.reason = std::move(reason);
  send(self, ask, std::move(out));
}

/// Sends what does not fit one message. @returns the rest.
active_part send_first(partition_ptr self, const active_ask& ask,
                       model::active_visitors::view& found) {
  active_part out;
  size_t bytes = 0;
  auto take = [&](size_t more) {
    if (bytes + more > active_part::bytes_max)
      send(self, ask, std::exchange(out, {}), false);
    bytes = bytes + more > active_part::bytes_max ? more : bytes + more;
  };
  for (const auto user_no : found.users) {
    take(sizeof user_no);
    out.users.push_back(user_no);
  }
  for (auto& page : found.pages) {
    take(page.page_url.size() + 32);
    out.pages.push_back(std::move(page));
  }
  return out;
}

} // namespace

void begin(partition_ptr self) {
  auto& st = self->state;
  const auto share = st.config.active_entries_max / std::max(st.config.partitions, 1u);
  st.active.visitors = model::active_visitors{std::max<size_t>(share, 1)};
}

void start(partition_ptr self) {
  auto& st = self->state.active;
  const auto next_offset = self->state.progress.next_offset();
  if (st.incarnation != self->state.incarnation || st.next_offset != next_offset)
    st.visitors.begin(now_s(self));
  st.incarnation = self->state.incarnation;
  st.next_offset = next_offset;
}

void add(partition_ptr self, const page_delta& delta) {
  self->state.active.visitors.add(delta, now_s(self));
}

void applied(partition_ptr self) {
  self->state.active.next_offset = self->state.progress.next_offset();
}

void forget(partition_ptr self) {
  self->state.active.visitors.begin(now_s(self));
  self->state.active.next_offset = -1;
}

void doubt(partition_ptr self) {
  self->state.active.visitors.doubt(now_s(self));
}

void answer(partition_ptr self, const active_ask& ask) {
  auto& st = self->state;
  if (!ask.to)
    return;
  if (st.config.status->is_stopped())
    return refuse(self, ask, errc::partition_stopped,
                  "partition " + std::to_string(st.config.partition)
                      + " is stopped: " + st.config.status->why_stopped());
  if (!st.progress.running())
    return; // Asked again, it may run here or elsewhere.
  if (st.config.leased && st.config.node->doubts_memory)
    return refuse(self, ask, errc::store_unavailable,
                  "clicks come in through other partitions than those of their pages, so that no "
                  "node knows all of a page; ask again when producers use the page as the key");
  const auto as_of = partition_lease::live_as_of(
      self, st.config.node->as_of_page(st.config.partition, st.config.now));
  if (!as_of)
    return;
  auto found = st.active.visitors.read(ask.site_id, ask.page_url, ask.limit, now_s(self));
  if (found.is_full)
    return refuse(self, ask, errc::overloaded,
                  "more users were active on more pages in the last five minutes than partition "
                      + std::to_string(st.config.partition)
                      + " has room for; ask again when there are fewer");
  auto out = send_first(self, ask, found);
  out.clicks = found.clicks;
  out.all_pages = found.all_pages;
  out.missing_s = found.missing_s;
  out.age_us = std::max<int64_t>(st.config.now() - *as_of, 0);
  if (st.progress.next_offset() > 0)
    out.reached = {{st.config.partition, st.progress.next_offset() - 1}};
  send(self, ask, std::move(out));
}

} // namespace footfall::partition_active
