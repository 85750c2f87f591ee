#include "actors/accept/gateway_bounds.hpp"

#include <algorithm>

#include "proto/seeded_bug.hpp"

namespace footfall::gateway_bounds {

namespace {

using open_query = gateway_state::open_query;

/// By then the progress of a partition that is read in the store has what was told from it.
constexpr int64_t told_keep_us = 3'000'000;

/// Where the answer's records of a partition end; 0: it has none.
int64_t end_of(const query_answer& reply, uint32_t partition) {
  int64_t out = 0;
  for (const auto& at : reply.reached)
    if (at.partition == partition)
      out = std::max(out, at.offset + 1);
  return out;
}

/// Where the records end that clients were told of lately, from the store; 0: none.
int64_t told_end(const gateway_state& st, uint32_t partition) {
  const bool is_known =
      partition < st.told.size() && st.config.steady() - st.told[partition].at_us <= told_keep_us;
  return is_known ? st.told[partition].below : 0;
}

} // namespace

void begin(const gateway_state& st, open_query& x) {
  const auto& node = *st.config.status;
  x.ask.sent_us = st.config.now();
  x.ask.least = 0;
  if (x.home == gateway_state::no_home) { // It is read in the store, which has what is applied.
    x.bound_us = node.as_of_all(st.config.now);
    return;
  }
  x.bound_us = node.as_of_page(x.home, st.config.now);
  // Read after the bound, which trusts that what was applied by then is in the answer.
  x.ask.least = node.parts[x.home].with_backlog([](const auto& y) { return y.applied(); });
  x.ask.least = std::max(x.ask.least, told_end(st, x.home));
}

bool take(const gateway_state& st, open_query& x, query_answer& reply) {
  if (reply.code != errc::none)
    return true;
  const bool is_of_page = x.home != gateway_state::no_home;
  const auto end = is_of_page ? end_of(reply, x.home) : 0;
  if (end < x.ask.least)
    return false;
  auto most = x.bound_us;
  if (is_of_page)
    most = std::max(most, st.config.status->as_of_page(x.home, st.config.now, end));
  if (seeded_bug("nodes-no-bound"))
    most = reply.as_of_us;
  reply.as_of_us = std::min(reply.as_of_us, most);
  if (x.is_watch) { // It may be told more by the same node.
    x.bound_us = most;
    x.ask.least = end;
  }
  return true;
}

bool is_behind(const gateway_state& st, const open_query& x, const query_answer& reply) {
  return reply.code == errc::none && x.home != gateway_state::no_home
         && end_of(reply, x.home) < told_end(st, x.home);
}

void note_told(gateway_state& st, const open_query& x, const query_answer& reply) {
  if (reply.source != answer_source::store || x.home == gateway_state::no_home)
    return;
  if (st.told.size() <= x.home)
    st.told.resize(x.home + 1);
  auto& told = st.told[x.home];
  const auto now_us = st.config.steady();
  const auto end = end_of(reply, x.home);
  if (end >= told.below || now_us - told.at_us > told_keep_us)
    told = {end, now_us};
}

bool is_outdated(const gateway_state& st, open_query& x, const query_answer& reply) {
  if (reply.code != errc::none)
    return false;
  if (reply.clicks < x.told_clicks && reply.as_of_us < x.told_us)
    return true;
  x.told_clicks = reply.clicks;
  x.told_us = st.config.now();
  return false;
}

} // namespace footfall::gateway_bounds
