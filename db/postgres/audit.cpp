#include "db/postgres/lists.hpp"

#include <algorithm>

namespace footfall::postgres {

namespace {

using namespace std::chrono_literals;

constexpr auto audit_time_max = 30min;

/// What should be there, from the rows below the folded positions, beside what is there; "@"
/// stands before the name of a table of aggregates.
constexpr const char* cursors_and_rows = R"(
  WITH cursors AS (
    SELECT (t.topic_no::bigint << 10 | p.part) AS slot, p.next_offset, f.folded_offset
      FROM core.topics t JOIN public.partition_progress p USING (topic)
      JOIN public.fold_progress f USING (topic, part)),
  rows AS (
    SELECT e.page_no, e.user_no, e.site_no, e.type_no, e.at,
           e.position & 281474976710655 AS log_offset, c.next_offset, c.folded_offset
      FROM core.events e LEFT JOIN cursors c ON c.slot = e.position >> 48)";
constexpr const char* compared = R"(),
  ev AS MATERIALIZED (
    SELECT page_no, user_no, type_no, floor(date_part('epoch', at) / 60)::int AS minute, at
      FROM rows WHERE log_offset < folded_offset),
  pair AS (SELECT page_no, user_no, count(*) AS n FROM ev GROUP BY 1, 2),
  page AS (SELECT page_no, sum(n)::bigint AS n, count(*) AS users FROM pair GROUP BY 1),
  last AS (SELECT page_no, max(at) AS last_at FROM ev GROUP BY 1),
  found AS (
    SELECT 'page_totals' AS name, page_no, '' AS more, e.n AS expected, a.clicks AS found
      FROM page e FULL JOIN @page_totals a USING (page_no) WHERE e.n IS DISTINCT FROM a.clicks
    UNION ALL
    SELECT 'page_totals', page_no, ' users', e.users, a.users
      FROM page e FULL JOIN @page_totals a USING (page_no)
     WHERE e.users IS DISTINCT FROM a.users
    UNION ALL
    SELECT 'page_totals', page_no, ' last_at', date_part('epoch', e.last_at)::bigint,
           date_part('epoch', a.last_at)::bigint
      FROM last e FULL JOIN @page_totals a USING (page_no)
     WHERE e.last_at IS DISTINCT FROM a.last_at
    UNION ALL
    SELECT 'page_clicks', page_no, ' user ' || user_no, e.n, a.clicks
      FROM pair e FULL JOIN @page_clicks a USING (page_no, user_no)
     WHERE e.n IS DISTINCT FROM a.clicks
    UNION ALL
    SELECT 'page_types', page_no, ' type ' || type_no, e.n, a.clicks
      FROM (SELECT page_no, type_no, count(*) AS n FROM ev GROUP BY 1, 2) e
      FULL JOIN @page_types a USING (page_no, type_no) WHERE e.n IS DISTINCT FROM a.clicks
    UNION ALL
    SELECT 'page_series', page_no, ' minute ' || minute || ' type ' || type_no, e.n, a.clicks
      FROM (SELECT page_no, minute, type_no, count(*) AS n FROM ev GROUP BY 1, 2, 3) e
      FULL JOIN @page_series a USING (page_no, minute, type_no)
     WHERE e.n IS DISTINCT FROM a.clicks))";
constexpr const char* named = R"(
  (SELECT name, (SELECT s.site_id || ' ' || p.page_url
                   FROM core.pages p JOIN core.sites s USING (site_no)
                  WHERE p.page_no = found.page_no) || more,
          coalesce(expected, 0)::bigint, coalesce(found, 0)::bigint FROM found LIMIT 1000))";
/// Rows that no cursor covers are a difference of their own.
constexpr const char* of_all = R"(
  UNION ALL
  SELECT 'partition_progress', 'rows beyond next_offset', 0, n
    FROM (SELECT count(*) AS n FROM rows WHERE log_offset < next_offset IS NOT TRUE) beyond
   WHERE n > 0
  UNION ALL
  SELECT 'fold_progress', 'slot ' || slot, next_offset, folded_offset FROM cursors
   WHERE folded_offset > next_offset
  LIMIT 1000)";
/// How many raw rows there are.
constexpr const char* of_page = R"(
  UNION ALL SELECT '', '', 0, count(*) FROM ev)";

/// @param where of the rows and tables, " WHERE ..." or empty
std::string text_of(const char* where, const char* more) {
  std::string out = std::string(cursors_and_rows) + where;
  const std::string_view rest = compared;
  for (size_t at = 0; at < rest.size();) {
    const auto next = std::min(rest.find('@', at), rest.size());
    out += rest.substr(at, next - at);
    if (next == rest.size())
      break;
    const auto end = rest.find(' ', next);
    out +=
        "(SELECT * FROM core." + std::string(rest.substr(next + 1, end - next - 1)) + where + ')';
    at = end;
  }
  return out + named + more;
}

const std::string all_text = text_of("", of_all);
const statement audit_all{"audit_all", all_text.c_str()};

/// $1 number of the page
const std::string page_text = text_of(" WHERE page_no = $1", of_page);
const statement audit_one{"audit_page", page_text.c_str()};

/// $1 site, $2 page
constexpr statement number_of_page{"audit_number", R"(
  SELECT p.page_no FROM core.pages p JOIN core.sites s USING (site_no)
   WHERE s.site_id = $1 AND p.page_url = $2)"};

std::vector<audit_difference> differences_of(const result& rows) {
  std::vector<audit_difference> out;
  for (int i = 0; i < rows.rows(); ++i)
    out.push_back({std::string(rows.bytes(i, 0)), std::string(rows.bytes(i, 1)),
                   static_cast<uint64_t>(rows.int8(i, 2)), static_cast<uint64_t>(rows.int8(i, 3))});
  return out;
}

} // namespace

caf::expected<std::vector<audit_difference>> audit(connection& c) {
  auto rows = c.run(audit_all, {}, audit_time_max);
  if (!rows.ok())
    return to_error(rows, "cannot audit");
  return differences_of(rows);
}

caf::expected<page_recount> audit_page(connection& c, const page_key& key) {
  parameters names;
  names.add_text(key.site_id);
  names.add_text(key.page_url);
  auto number = c.run(number_of_page, names);
  if (!number.ok())
    return to_error(number, "cannot audit");
  if (number.rows() == 0)
    return page_recount{};
  parameters values;
  values.add_int4(number.int4(0, 0));
  auto rows = c.run(audit_one, values, audit_time_max);
  if (!rows.ok())
    return to_error(rows, "cannot audit");
  page_recount out{0, differences_of(rows)};
  // The count has no name.
  const auto count = std::find_if(out.differences.begin(), out.differences.end(),
                                  [](const auto& x) { return x.table.empty(); });
  out.rows = count->found;
  out.differences.erase(count);
  return out;
}

} // namespace footfall::postgres
