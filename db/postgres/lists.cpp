#include "db/postgres/lists.hpp"

#include <limits>

#include "db/postgres/counts.hpp"

namespace footfall::postgres {

namespace {

using namespace std::chrono_literals;

constexpr int64_t minute_us = 60'000'000;
constexpr auto read_time_max = 10s;

// What was reached, as the first two columns of a statement whose $1 is the log.
#define FOOTFALL_REACHED                                                                           \
  "(SELECT array_agg(part ORDER BY part) FROM public.partition_progress WHERE topic ="             \
  " (SELECT topic FROM core.current_topics WHERE log = $1)),"                                      \
  "(SELECT array_agg(next_offset ORDER BY part) FROM public.partition_progress WHERE topic ="      \
  " (SELECT topic FROM core.current_topics WHERE log = $1))"

// What of `most` may be among the first $3, as WITH's last parts before `named`: all, or, of
// more than 10,000 that tie at the end, those that come first by name. They are found in the
// index of names, without naming the others. IS TRUE keeps IN a hashed lookup beside it.
#define FOOTFALL_CHOSEN(no, table, name, site)                                                     \
  "cut AS MATERIALIZED ("                                                                          \
  " SELECT CASE WHEN count(*) > $3 + 10000 THEN min(clicks) END AS clicks FROM most),"             \
  "first AS ("                                                                                     \
  " SELECT t." no " FROM " table " t"                                                              \
  "  WHERE (SELECT clicks FROM cut) IS NOT NULL AND t.site_no = (SELECT site_no FROM " site ")"    \
  "    AND (t." no " IN (SELECT " no                                                               \
  " FROM most WHERE clicks = (SELECT clicks FROM cut))) IS TRUE"                                   \
  "  ORDER BY t." name " LIMIT $3),"                                                               \
  "chosen AS ("                                                                                    \
  " SELECT * FROM most WHERE (clicks = (SELECT clicks FROM cut)) IS NOT TRUE"                      \
  "     OR " no " = ANY (ARRAY(SELECT " no " FROM first))),"

// $2 site, $3 rows. Ties at the end are kept until the names decide.
constexpr statement top_pages_ever{"top_pages_ever", R"(
  WITH s AS MATERIALIZED (SELECT site_no FROM core.sites WHERE site_id = $2),
  t AS MATERIALIZED (
    SELECT page_no, user_no, count(*) AS n FROM core.tail
     WHERE site_no = (SELECT site_no FROM s) GROUP BY 1, 2),
  x AS (
    SELECT page_no, clicks, users FROM core.page_totals WHERE site_no = (SELECT site_no FROM s)
    UNION ALL
    SELECT page_no, sum(n)::bigint,
           count(*) FILTER (WHERE NOT EXISTS (
             SELECT 1 FROM core.page_clicks c
              WHERE c.page_no = t.page_no AND c.user_no = t.user_no))
      FROM t GROUP BY 1),
  most AS MATERIALIZED (
    SELECT page_no, sum(clicks)::bigint AS clicks, sum(users)::bigint AS users
      FROM x GROUP BY 1 ORDER BY 2 DESC FETCH FIRST $3 ROWS WITH TIES),
  )" FOOTFALL_CHOSEN("page_no", "core.pages", "page_url", "s") R"(
  named AS (
    SELECT (SELECT page_url FROM core.pages p WHERE p.page_no = chosen.page_no) AS name, clicks,
           users
      FROM chosen ORDER BY clicks DESC, name LIMIT $3)
  SELECT )" FOOTFALL_REACHED R"(,
         array_agg(name ORDER BY clicks DESC, name), array_agg(clicks ORDER BY clicks DESC, name),
         array_agg(users ORDER BY clicks DESC, name) FROM named)"};

// $2 site, $3 rows, $4 first minute, $5 minute after the last
constexpr statement top_pages_between{"top_pages_between", R"(
  WITH s AS MATERIALIZED (SELECT site_no FROM core.sites WHERE site_id = $2),
  x AS (
    SELECT r.page_no, r.clicks::bigint AS clicks
      FROM core.page_totals t
      JOIN core.page_series r ON r.page_no = t.page_no AND r.minute >= $4 AND r.minute < $5
     WHERE t.site_no = (SELECT site_no FROM s)
    UNION ALL
    SELECT page_no, 1 FROM core.tail
     WHERE site_no = (SELECT site_no FROM s) AND minute >= $4 AND minute < $5),
  most AS MATERIALIZED (
    SELECT page_no, sum(clicks)::bigint AS clicks, 0::bigint AS users
      FROM x GROUP BY 1 ORDER BY 2 DESC FETCH FIRST $3 ROWS WITH TIES),
  )" FOOTFALL_CHOSEN("page_no", "core.pages", "page_url", "s") R"(
  named AS (
    SELECT (SELECT page_url FROM core.pages p WHERE p.page_no = chosen.page_no) AS name, clicks,
           users
      FROM chosen ORDER BY clicks DESC, name LIMIT $3)
  SELECT )" FOOTFALL_REACHED R"(,
         array_agg(name ORDER BY clicks DESC, name), array_agg(clicks ORDER BY clicks DESC, name),
         array_agg(users ORDER BY clicks DESC, name) FROM named)"};

// $2 site, $3 first minute, $4 minute after the last
constexpr statement minutes_of_site{"minutes_of_site", R"(
  WITH s AS MATERIALIZED (SELECT site_no FROM core.sites WHERE site_id = $2),
  x AS (
    SELECT r.minute, r.clicks
      FROM core.page_totals t
      JOIN core.page_series r ON r.page_no = t.page_no AND r.minute >= $3 AND r.minute < $4
     WHERE t.site_no = (SELECT site_no FROM s)
    UNION ALL
    SELECT minute, 1 FROM core.tail
     WHERE site_no = (SELECT site_no FROM s) AND minute >= $3 AND minute < $4),
  m AS (SELECT minute, sum(clicks)::bigint AS clicks FROM x GROUP BY 1)
  SELECT )" FOOTFALL_REACHED R"(,
         array_agg(minute ORDER BY minute), array_agg(clicks ORDER BY minute) FROM m)"};

// $2 site, $3 first minute, $4 minute after the last, $5 page
constexpr statement minutes_of_page{"minutes_of_page", R"(
  WITH k AS MATERIALIZED (
    SELECT page_no FROM core.pages
     WHERE site_no = (SELECT site_no FROM core.sites WHERE site_id = $2) AND page_url = $5),
  x AS (
    SELECT minute, clicks FROM core.page_series
     WHERE page_no = (SELECT page_no FROM k) AND minute >= $3 AND minute < $4
    UNION ALL
    SELECT minute, 1 FROM core.tail
     WHERE page_no = (SELECT page_no FROM k) AND minute >= $3 AND minute < $4),
  m AS (SELECT minute, sum(clicks)::bigint AS clicks FROM x GROUP BY 1)
  SELECT )" FOOTFALL_REACHED R"(,
         array_agg(minute ORDER BY minute), array_agg(clicks ORDER BY minute) FROM m)"};

// $2 site, $3 rows, $4 page
constexpr statement users_of_page{"users_of_page", R"(
  WITH k AS MATERIALIZED (
    SELECT page_no, site_no FROM core.pages
     WHERE site_no = (SELECT site_no FROM core.sites WHERE site_id = $2) AND page_url = $4),
  x AS (
    SELECT user_no, clicks FROM core.page_clicks WHERE page_no = (SELECT page_no FROM k)
    UNION ALL
    SELECT user_no, 1 FROM core.tail WHERE page_no = (SELECT page_no FROM k)),
  most AS MATERIALIZED (
    SELECT user_no, sum(clicks)::bigint AS clicks
      FROM x GROUP BY 1 ORDER BY 2 DESC FETCH FIRST $3 ROWS WITH TIES),
  )" FOOTFALL_CHOSEN("user_no", "core.users", "user_id", "k") R"(
  named AS (
    SELECT (SELECT user_id FROM core.users u
             WHERE u.user_no = chosen.user_no AND u.site_no = (SELECT site_no FROM k)) AS name,
           clicks
      FROM chosen ORDER BY clicks DESC, name LIMIT $3)
  SELECT )" FOOTFALL_REACHED R"(,
         array_agg(name ORDER BY clicks DESC, name), array_agg(clicks ORDER BY clicks DESC, name)
    FROM named)"};
#undef FOOTFALL_CHOSEN
#undef FOOTFALL_REACHED

constexpr statement names_of_users{"names_of_users", R"(
  SELECT array_agg((SELECT user_id FROM core.users u WHERE u.user_no = g.no) ORDER BY ord)
    FROM unnest($1::int[]) WITH ORDINALITY AS g(no, ord))"};
constexpr statement names_of_types{"names_of_types", R"(
  SELECT array_agg((SELECT event_type FROM core.types t WHERE t.type_no = g.no) ORDER BY ord)
    FROM unnest($1::int[]) WITH ORDINALITY AS g(no, ord))"};

constexpr statement read_progress{"read_progress", R"(
  SELECT p.part, p.epoch, p.next_offset, coalesce(f.folded_offset, 0)
    FROM public.partition_progress p LEFT JOIN public.fold_progress f USING (topic, part)
   WHERE topic = (SELECT topic FROM core.current_topics WHERE log = $1) ORDER BY part)"};

/// The first minute that starts at `at_us` or later.
int32_t minute_from(int64_t at_us, int32_t when_unset) {
  if (at_us == unset_time)
    return when_unset;
  const auto whole = at_us / minute_us + (at_us % minute_us > 0 ? 1 : 0);
  constexpr int64_t least = std::numeric_limits<int32_t>::min();
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  return static_cast<int32_t>(whole < least ? least : whole > most ? most : whole);
}

void add_range(parameters& to, int64_t from_us, int64_t to_us) {
  to.add_int4(minute_from(from_us, std::numeric_limits<int32_t>::min()));
  to.add_int4(minute_from(to_us, std::numeric_limits<int32_t>::max()));
}

snapshot<named_count> read_named(const result& rows, bool with_users) {
  snapshot<named_count> out;
  out.reached = read_reached(rows, 0);
  const auto names = rows.texts(0, 2);
  const auto clicks = rows.int8s(0, 3);
  const auto users = with_users ? rows.int8s(0, 4) : std::vector<int64_t>(names.size());
  for (size_t i = 0; i < names.size(); ++i)
    out.values.push_back(
        {names[i], static_cast<uint64_t>(clicks[i]), static_cast<uint64_t>(users[i])});
  return out;
}

caf::expected<snapshot<std::string>> read_names(connection& c, const statement& x,
                                                const std::vector<int32_t>& numbers) {
  array keys{array::int4, numbers.size()};
  for (auto no : numbers)
    keys.add_int4(no);
  parameters values;
  values.add_array(keys);
  auto rows = c.run(x, values, read_time_max);
  if (!rows.ok())
    return to_error(rows, "cannot read names");
  return snapshot<std::string>{{}, rows.texts(0, 0)};
}

} // namespace

caf::expected<snapshot<named_count>> top_pages(connection& c, const std::string& topic,
                                               const std::string& site_id, int64_t from_us,
                                               int64_t to_us, uint32_t limit) {
  const bool ever = from_us == unset_time && to_us == unset_time;
  parameters values;
  values.add_text(topic);
  values.add_text(site_id);
  values.add_int8(int64_t{limit} + 1);
  if (!ever)
    add_range(values, from_us, to_us);
  auto rows = c.run(ever ? top_pages_ever : top_pages_between, values, read_time_max);
  if (!rows.ok())
    return to_error(rows, "cannot read the top pages");
  return read_named(rows, true);
}

caf::expected<snapshot<series_point>> minutes(connection& c, const std::string& topic,
                                              const page_key& key, int64_t from_us, int64_t to_us) {
  parameters values;
  values.add_text(topic);
  values.add_text(key.site_id);
  add_range(values, from_us, to_us);
  if (!key.page_url.empty())
    values.add_text(key.page_url);
  auto rows =
      c.run(key.page_url.empty() ? minutes_of_site : minutes_of_page, values, read_time_max);
  if (!rows.ok())
    return to_error(rows, "cannot read the series");
  snapshot<series_point> out;
  out.reached = read_reached(rows, 0);
  const auto at = rows.int4s(0, 2);
  const auto clicks = rows.int8s(0, 3);
  for (size_t i = 0; i < at.size(); ++i)
    out.values.push_back({at[i] * minute_us, static_cast<uint64_t>(clicks[i])});
  return out;
}

caf::expected<snapshot<named_count>> top_users(connection& c, const std::string& topic,
                                               const page_key& key, uint32_t limit) {
  parameters values;
  values.add_text(topic);
  values.add_text(key.site_id);
  values.add_int8(int64_t{limit} + 1);
  values.add_text(key.page_url);
  auto rows = c.run(users_of_page, values, read_time_max);
  if (!rows.ok())
    return to_error(rows, "cannot read the top users");
  return read_named(rows, false);
}

caf::expected<snapshot<std::string>> user_names(connection& c, const std::vector<int32_t>& xs) {
  return read_names(c, names_of_users, xs);
}

caf::expected<snapshot<std::string>> type_names(connection& c, const std::vector<int32_t>& xs) {
  return read_names(c, names_of_types, xs);
}

caf::expected<std::vector<partition_state>> progress(connection& c, const std::string& topic) {
  parameters values;
  values.add_text(topic);
  auto rows = c.run(read_progress, values, read_time_max);
  if (!rows.ok())
    return to_error(rows, "cannot read the progress");
  std::vector<partition_state> out;
  for (int i = 0; i < rows.rows(); ++i)
    out.push_back({static_cast<uint32_t>(rows.int4(i, 0)), rows.int8(i, 1), rows.int8(i, 2),
                   rows.int8(i, 3)});
  return out;
}

} // namespace footfall::postgres
