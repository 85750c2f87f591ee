#include <algorithm>
#include <map>
#include <set>

#include "db/postgres/counts.hpp"

namespace footfall::postgres {

namespace {

using namespace std::chrono_literals;

constexpr auto read_time_max = 10s;

// $1 log, $2 sites, $3 pages
constexpr statement find_pages{"load_find", R"(
  WITH own AS MATERIALIZED (SELECT topic FROM core.current_topics WHERE log = $1)
  SELECT (SELECT array_agg(part ORDER BY part)
            FROM public.partition_progress WHERE topic = (SELECT topic FROM own)),
         (SELECT array_agg(next_offset ORDER BY part)
            FROM public.partition_progress WHERE topic = (SELECT topic FROM own)),
         (SELECT array_agg((SELECT page_no FROM core.pages p
                             WHERE p.site_no = (SELECT site_no FROM core.sites s
                                                 WHERE s.site_id = g.site_id)
                               AND p.page_url = g.page_url) ORDER BY ord)
            FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS g(site_id, page_url, ord)))"};

// From here on $1 is the page numbers.
constexpr statement load_totals{"load_totals", R"(
  SELECT t.page_no, t.clicks, t.users, t.last_at
    FROM unnest($1::int[]) AS k(page_no) JOIN core.page_totals t USING (page_no))"};

// $2 first minute, $3 the most minutes of a page
constexpr statement load_minutes{"load_minutes", R"(
  SELECT k.page_no, m.minute, m.clicks
    FROM unnest($1::int[]) AS k(page_no)
   CROSS JOIN LATERAL (SELECT minute, sum(clicks)::bigint AS clicks FROM core.page_series s
                        WHERE s.page_no = k.page_no AND s.minute >= $2
                        GROUP BY minute ORDER BY minute LIMIT $3) m)"};

// $2 the most types of a page
constexpr statement load_types{"load_types", R"(
  SELECT k.page_no, t.type_no, t.clicks
    FROM unnest($1::int[]) AS k(page_no)
   CROSS JOIN LATERAL (SELECT type_no, clicks FROM core.page_types t
                        WHERE t.page_no = k.page_no ORDER BY type_no LIMIT $2) t)"};

// $2 the most users of a page, plus one
constexpr statement load_users{"load_users", R"(
  SELECT c.page_no, c.user_no, c.clicks
    FROM unnest($1::int[]) AS k(page_no)
   CROSS JOIN LATERAL (SELECT page_no, user_no, clicks FROM core.page_clicks p
                        WHERE p.page_no = k.page_no LIMIT $2) c)"};

// EXISTS in place of the second SELECT may be planned, while the tables are small, as
// one reading of the whole of page_clicks; a SELECT for one value never is.
constexpr statement load_tail{"load_tail", R"(
  SELECT t.page_no, t.user_no, t.type_no, t.minute, t.n, t.last_at,
         (SELECT true FROM core.page_clicks c
           WHERE c.page_no = t.page_no AND c.user_no = t.user_no) IS NOT NULL
    FROM (SELECT page_no, user_no, type_no, minute, count(*) AS n, max(at) AS last_at FROM core.tail
           WHERE (page_no = ANY (SELECT unnest($1::int[]))) IS TRUE
           GROUP BY 1, 2, 3, 4) t)"};

/// A page while its parts come in.
struct building {
  page_load page;
  std::map<int32_t, uint64_t> types;
  std::map<int32_t, uint32_t> minutes;
  std::map<int32_t, uint32_t> users;
  std::set<int32_t> new_users; ///< In the tail only.
};

using pages_by_no = std::map<int32_t, building>;

void read_totals(const result& rows, pages_by_no& pages) {
  for (int i = 0; i < rows.rows(); ++i) {
    auto& page = pages[rows.int4(i, 0)].page;
    page.clicks = static_cast<uint64_t>(rows.int8(i, 1));
    page.users = static_cast<uint64_t>(rows.int8(i, 2));
    page.last_at_us = rows.int8(i, 3) + epoch_us;
  }
}

void read_tail(const result& rows, int32_t first_minute, pages_by_no& pages) {
  for (int i = 0; i < rows.rows(); ++i) {
    auto& x = pages[rows.int4(i, 0)];
    const auto n = static_cast<uint64_t>(rows.int8(i, 4));
    const auto last_at_us = rows.int8(i, 5) + epoch_us;
    x.page.last_at_us = x.page.clicks == 0 ? last_at_us : std::max(x.page.last_at_us, last_at_us);
    x.page.clicks += n;
    x.types[rows.int4(i, 2)] += n;
    if (rows.int4(i, 3) >= first_minute)
      x.minutes[rows.int4(i, 3)] += static_cast<uint32_t>(n);
    x.users[rows.int4(i, 1)] += static_cast<uint32_t>(n);
    if (!rows.boolean(i, 6))
      x.new_users.insert(rows.int4(i, 1));
  }
}

page_load finish(building x, int32_t page_no, uint32_t users_max) {
  auto& page = x.page;
  page.page_no = page_no;
  page.users += x.new_users.size();
  page.keep_first(x.types, x.minutes);
  page.users_complete = page.users <= users_max;
  if (page.users_complete)
    page.user_clicks.assign(x.users.begin(), x.users.end());
  return std::move(page);
}

result read_parts(connection& c, const std::vector<int32_t>& numbers, int32_t first_minute,
                  uint32_t users_max, pages_by_no& pages) {
  array keys{array::int4, numbers.size()};
  for (auto no : numbers)
    keys.add_int4(no);
  parameters only, with_minute, with_types, with_users;
  for (auto* x : {&only, &with_minute, &with_types, &with_users})
    x->add_array(keys);
  with_minute.add_int4(first_minute);
  with_minute.add_int8(int64_t{page_load::minutes_max});
  // The lowest numbers of both: what the aggregates leave out has enough below it.
  with_types.add_int8(int64_t{limits::named_types});
  with_users.add_int8(int64_t{users_max} + 1);
  auto rows = c.run(load_totals, only, read_time_max);
  if (!rows.ok())
    return rows;
  read_totals(rows, pages);
  rows = c.run(load_minutes, with_minute, read_time_max);
  for (int i = 0; i < rows.rows(); ++i)
    pages[rows.int4(i, 0)].minutes[rows.int4(i, 1)] = static_cast<uint32_t>(rows.int8(i, 2));
  if (!rows.ok())
    return rows;
  rows = c.run(load_types, with_types, read_time_max);
  for (int i = 0; i < rows.rows(); ++i)
    pages[rows.int4(i, 0)].types[rows.int4(i, 1)] = static_cast<uint64_t>(rows.int8(i, 2));
  if (!rows.ok())
    return rows;
  rows = c.run(load_users, with_users, read_time_max);
  for (int i = 0; i < rows.rows(); ++i)
    pages[rows.int4(i, 0)].users[rows.int4(i, 1)] = static_cast<uint32_t>(rows.int4(i, 2));
  if (!rows.ok())
    return rows;
  rows = c.run(load_tail, only, read_time_max);
  if (rows.ok())
    read_tail(rows, first_minute, pages);
  return rows;
}

} // namespace

caf::expected<snapshot<page_load>> load_pages(connection& c, const std::string& topic,
                                              const std::vector<page_key>& keys,
                                              int32_t first_minute, uint32_t users_max) {
  constexpr const char* what = "cannot load pages";
  if (auto begun = c.exec("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"); !begun.ok())
    return to_error(begun, what);
  array sites{array::text, keys.size()}, urls{array::text, keys.size()};
  for (const auto& key : keys) {
    sites.add_bytes(key.site_id);
    urls.add_bytes(key.page_url);
  }
  parameters values;
  values.add_text(topic);
  values.add_array(sites);
  values.add_array(urls);
  snapshot<page_load> out;
  pages_by_no pages;
  std::vector<int32_t> asked, numbers;
  auto rows = c.run(find_pages, values, read_time_max);
  if (rows.ok()) {
    out.reached = read_reached(rows, 0);
    asked = rows.int4s(0, 2);
    numbers = asked;
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
    rows = read_parts(c, numbers, first_minute, users_max, pages);
  }
  auto ended = c.exec(rows.ok() ? "COMMIT" : "ROLLBACK");
  if (!rows.ok() || !ended.ok())
    return to_error(rows.ok() ? ended : rows, what);
  for (auto no : asked)
    out.values.push_back(no == 0 ? page_load{} : finish(pages[no], no, users_max));
  return out;
}

} // namespace footfall::postgres
