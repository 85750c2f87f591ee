#include "db/postgres/counts.hpp"

#include <map>

namespace footfall::postgres {

namespace {

using namespace std::chrono_literals;

constexpr size_t merged_keys_max = 512;
constexpr auto read_time_max = 5s;

// $1 log, $2 sites, $3 pages, $4 users. One row of arrays: what was reached, the
// pairs from the aggregates, and the rows not yet folded, of the asked pages and
// pairs only. "IS TRUE" keeps IN a hashed lookup: the planner knows no sizes here.
constexpr statement read_pairs{"read_pairs", R"(
  WITH own AS MATERIALIZED (SELECT topic FROM core.current_topics WHERE log = $1),
  n AS MATERIALIZED (
    SELECT ord, page_url, user_id,
           (SELECT site_no FROM core.sites s WHERE s.site_id = g.site_id) AS site_no
      FROM unnest($2::text[], $3::text[], $4::text[])
           WITH ORDINALITY AS g(site_id, page_url, user_id, ord)),
  k AS MATERIALIZED (
    SELECT ord,
           (SELECT page_no FROM core.pages p
             WHERE p.site_no = n.site_no AND p.page_url = n.page_url) AS page_no,
           (SELECT user_no FROM core.users u
             WHERE u.site_no = n.site_no AND u.user_id = n.user_id) AS user_no
      FROM n),
  t AS MATERIALIZED (
    SELECT page_no, user_no, count(*) AS n FROM core.tail
     WHERE (page_no IN (SELECT page_no FROM k)) IS TRUE GROUP BY 1, 2),
  tp AS (SELECT page_no, sum(n)::bigint AS n FROM t GROUP BY 1),
  tu AS (SELECT page_no, user_no, n FROM t WHERE (user_no IN (SELECT user_no FROM k)) IS TRUE)
  SELECT (SELECT array_agg(part ORDER BY part)
            FROM public.partition_progress WHERE topic = (SELECT topic FROM own)),
         (SELECT array_agg(next_offset ORDER BY part)
            FROM public.partition_progress WHERE topic = (SELECT topic FROM own)),
         (SELECT array_agg(page_no ORDER BY ord) FROM k),
         (SELECT array_agg(user_no ORDER BY ord) FROM k),
         (SELECT array_agg((SELECT clicks::bigint FROM core.page_clicks c
                             WHERE c.page_no = k.page_no AND c.user_no = k.user_no)
                           ORDER BY ord) FROM k),
         (SELECT array_agg((SELECT clicks FROM core.page_totals c
                             WHERE c.page_no = k.page_no) ORDER BY ord) FROM k),
         (SELECT array_agg(page_no ORDER BY page_no) FROM tp),
         (SELECT array_agg(n ORDER BY page_no) FROM tp),
         (SELECT array_agg(page_no ORDER BY page_no, user_no) FROM tu),
         (SELECT array_agg(user_no ORDER BY page_no, user_no) FROM tu),
         (SELECT array_agg(n ORDER BY page_no, user_no) FROM tu))"};

snapshot<pair_count> read_pair_rows(const result& rows) {
  snapshot<pair_count> out;
  out.reached = read_reached(rows, 0);
  const auto pages = rows.int4s(0, 2), users = rows.int4s(0, 3);
  const auto clicks = rows.int8s(0, 4), versions = rows.int8s(0, 5);
  std::map<int32_t, int64_t> page_tail;
  const auto tail_pages = rows.int4s(0, 6);
  const auto tail_page_clicks = rows.int8s(0, 7);
  for (size_t i = 0; i < tail_pages.size(); ++i)
    page_tail[tail_pages[i]] = tail_page_clicks[i];
  std::map<std::pair<int32_t, int32_t>, int64_t> pair_tail;
  const auto pair_pages = rows.int4s(0, 8), pair_users = rows.int4s(0, 9);
  const auto pair_clicks = rows.int8s(0, 10);
  for (size_t i = 0; i < pair_pages.size(); ++i)
    pair_tail[{pair_pages[i], pair_users[i]}] = pair_clicks[i];
  auto in = [](const auto& tail, const auto& key) {
    auto at = tail.find(key);
    return at == tail.end() ? int64_t{0} : at->second;
  };
  for (size_t i = 0; i < pages.size(); ++i) {
    pair_count x;
    x.page_no = pages[i];
    x.user_no = users[i];
    x.clicks = static_cast<uint64_t>(clicks[i] + in(pair_tail, std::pair{pages[i], users[i]}));
    x.version = static_cast<uint64_t>(versions[i] + in(page_tail, pages[i]));
    out.values.push_back(x);
  }
  return out;
}

} // namespace

const char* read_session() {
  return "SET lock_timeout = '2s'; SET statement_timeout = '10s'; SET enable_seqscan = off;"
         "SET default_transaction_read_only = on";
}

std::vector<position> read_reached(const result& rows, int column) {
  const auto parts = rows.int4s(0, column);
  const auto next = rows.int8s(0, column + 1);
  std::vector<position> out;
  for (size_t i = 0; i < parts.size(); ++i)
    if (next[i] > 0)
      out.push_back({static_cast<uint32_t>(parts[i]), next[i] - 1});
  return out;
}

counts_job::counts_job(std::string topic, std::vector<pair_key> keys, done reply)
    : topic_(std::move(topic)), keys_(std::move(keys)) {
  askers_.push_back({keys_.size(), std::move(reply)});
}

bool counts_job::absorb(job& other) {
  auto* more = dynamic_cast<counts_job*>(&other);
  if (!more || keys_.size() + more->keys_.size() > merged_keys_max)
    return false;
  for (auto& key : more->keys_)
    keys_.push_back(std::move(key));
  for (auto& asker : more->askers_)
    askers_.push_back(std::move(asker));
  return true;
}

void counts_job::fail(caf::error why) {
  for (auto& asker : askers_)
    asker.reply(why);
}

bool counts_job::run(connection& c, bool last_try) {
  array sites{array::text, keys_.size()}, pages{array::text, keys_.size()},
      users{array::text, keys_.size()};
  for (const auto& key : keys_) {
    sites.add_bytes(key.site_id);
    pages.add_bytes(key.page_url);
    users.add_bytes(key.user_id);
  }
  parameters values;
  values.add_text(topic_);
  for (const auto* x : {&sites, &pages, &users})
    values.add_array(*x);
  auto rows = c.run(read_pairs, values, read_time_max);
  if (!rows.ok()) {
    if (!c.connected() && !last_try)
      return false;
    fail(to_error(rows, "cannot read counts"));
    return true;
  }
  auto all = read_pair_rows(rows);
  auto at = all.values.begin();
  for (auto& asker : askers_) {
    snapshot<pair_count> own;
    own.reached = all.reached;
    own.incarnation = c.incarnation();
    own.values.assign(at, at + static_cast<std::ptrdiff_t>(asker.count));
    at += static_cast<std::ptrdiff_t>(asker.count);
    asker.reply(std::move(own));
  }
  return true;
}

} // namespace footfall::postgres
