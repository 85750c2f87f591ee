#include <algorithm>

#include "actors/answer/query_parts.hpp"

namespace footfall::query_parts {

namespace {

using open_query = query_state::open_query;

// Begins from the start, under another number: no answer to what was asked before counts.
void begin_again(query_ptr self, uint64_t old_id) {
  auto& st = self->state;
  auto x = std::move(st.open.extract(old_id).mapped());
  x.again = false;
  x.page_asked_us = 0;
  x.awaiting = 0;
  x.user_no = 0;
  x.answer = {};
  x.numbers.clear();
  x.reading = 0;
  x.page_wanted = x.alone = false;
  x.read_again = false;
  x.told_clicks = 0; // The store may have fewer now.
  const auto id = st.next_ticket++;
  if (auto at = st.merged.find(x.merge_key); at != st.merged.end() && at->second == old_id)
    at->second = id;
  if (x.watch)
    x.await_until_us = 0; // Renewed at the next tick.
  const bool is_late = st.config.steady() >= x.await_until_us;
  const auto& opened = st.open.emplace(id, std::move(x)).first->second;
  if (!opened.ask.after.empty())
    ask_positions(self, id, is_late);
  else if (!opened.watch)
    run(self, id);
}

} // namespace

void ask_positions(query_ptr self, uint64_t id, bool now) {
  auto& st = self->state;
  auto& x = st.open.at(id);
  x.too_late = now;
  x.awaiting = static_cast<uint32_t>(x.ask.after.size());
  x.answer.reached.clear();
  for (const auto& after : std::vector<position>{x.ask.after}) {
    if (auto to = caf::actor_cast<partition_actor>(st.nodes.partition(after.partition))) {
      self->send(to, atom::await_v, id, now ? int64_t{-2} : after.offset);
      continue;
    }
    const auto name = "partition " + std::to_string(after.partition);
    if (st.nodes.has_partition(after.partition))
      return fail(self, id, errc::store_unavailable, name + " is starting; ask again in a moment");
    return fail(self, id, errc::invalid_argument,
                "the event log has no " + name + "; pass a position that ingestion answered");
  }
}

void renew(query_ptr self, uint64_t incarnation) {
  auto& st = self->state;
  if (incarnation <= st.incarnation)
    return;
  st.incarnation = incarnation;
  st.user_numbers.clear();
  st.told_by_store.clear();
  st.user_names.clear();
  st.type_names.clear();
  st.lookups.clear();
  st.count_wanted.clear();
  st.page_wanted.clear();
  st.page_watched.clear();
  st.page_asks.clear();
  st.fills.clear();
  st.looked_up.clear();
  st.reads.clear();
  st.count_reads = st.page_reads = st.pages_read = 0;
  std::vector<uint64_t> ids;
  for (const auto& [id, x] : st.open)
    if (!x.waits) // It has not asked yet.
      ids.push_back(id);
  std::sort(ids.begin(), ids.end()); // The oldest first.
  for (auto id : ids)
    begin_again(self, id);
}

void run_again(query_ptr self) {
  std::vector<uint64_t> ids;
  for (const auto& [id, x] : self->state.open)
    if (x.again)
      ids.push_back(id);
  std::sort(ids.begin(), ids.end()); // The oldest first.
  for (auto id : ids)
    begin_again(self, id);
}

bool is_current(query_ptr self, open_query& x, uint64_t incarnation) {
  const auto known = self->state.incarnation;
  if (incarnation == known)
    return true;
  if (incarnation > known)
    renew(self, incarnation);
  else
    x.again = !x.watch; // A watch is renewed in a second.
  return false;
}

bool is_reached(const std::vector<position>& by, const std::vector<position>& after) {
  return std::all_of(after.begin(), after.end(), [&by](const position& wanted) {
    return std::any_of(by.begin(), by.end(), [&wanted](const position& x) {
      return x.partition == wanted.partition && x.offset >= wanted.offset;
    });
  });
}

void raise(std::vector<position>& reached, const std::vector<position>& to) {
  for (const auto& x : to) {
    auto at = std::find_if(reached.begin(), reached.end(),
                           [&x](const position& y) { return y.partition == x.partition; });
    if (at == reached.end())
      reached.push_back(x);
    else
      at->offset = std::max(at->offset, x.offset);
  }
}

} // namespace footfall::query_parts
