#include "db/postgres/bad_events.hpp"

#include <limits>

namespace footfall::postgres {

namespace {

using namespace std::chrono_literals;

constexpr auto time_max = 10s;
constexpr uint32_t partition_max = std::numeric_limits<int32_t>::max();

/// $1 log, $2 partition and $3 offset to go on behind, $4 rows and one more, $5 1
/// for the open ones alone, $6 bytes
constexpr statement read_bad{"read_bad", R"(
  SELECT part, log_offset, log_time, reason, raw, redriven_part, redriven_offset, found
    FROM (SELECT *, count(*) OVER () AS found,
                 sum(octet_length(raw)) OVER (ORDER BY part, log_offset) - octet_length(raw)
                   AS bytes_before
            FROM (SELECT * FROM public.bad_events
                   WHERE topic = (SELECT topic FROM core.current_topics WHERE log = $1)
                     AND (part, log_offset) > ($2, $3)
                     AND ($5 = 0 OR redriven_part IS NULL)
                   ORDER BY part, log_offset LIMIT $4) a) b
   WHERE bytes_before < $6 ORDER BY part, log_offset)"};

/// $1 log, $2 partitions and $3 offsets of bad events, $4 and $5 where they went
constexpr statement mark_bad{"mark_bad", R"(
  WITH marked AS (
    UPDATE public.bad_events b SET redriven_part = r.to_part, redriven_offset = r.to_offset
      FROM (SELECT unnest($2::int[]) AS part, unnest($3::bigint[]) AS log_offset,
                   unnest($4::int[]) AS to_part, unnest($5::bigint[]) AS to_offset) r
     WHERE b.topic = (SELECT topic FROM core.current_topics WHERE log = $1)
       AND b.part = r.part AND b.log_offset = r.log_offset RETURNING 1)
  SELECT count(*) FROM marked)"};

int32_t part_of(const position& x) {
  return static_cast<int32_t>(std::min(x.partition, partition_max));
}

} // namespace

caf::expected<bad_event_page> bad_events(connection& c, const std::string& topic,
                                         const bad_events_ask& ask) {
  parameters values;
  values.add_text(topic);
  values.add_int4(part_of(ask.after));
  values.add_int8(ask.after.offset);
  values.add_int8(int64_t{ask.limit} + 1);
  values.add_int4(ask.open_only ? 1 : 0);
  values.add_int8(bad_event_page_bytes);
  auto rows = c.run(read_bad, values, time_max);
  if (!rows.ok())
    return to_error(rows, "cannot read the bad events");
  bad_event_page out;
  const auto count = std::min(static_cast<uint32_t>(rows.rows()), ask.limit);
  for (int i = 0; i < static_cast<int>(count); ++i) {
    bad_event x{{static_cast<uint32_t>(rows.int4(i, 0)), rows.int8(i, 1)},
                rows.int8(i, 2) + epoch_us,
                std::string(rows.bytes(i, 3)),
                std::string(rows.bytes(i, 4)),
                {}};
    if (!rows.is_null(i, 5))
      x.redriven = {static_cast<uint32_t>(rows.int4(i, 5)), rows.int8(i, 6)};
    out.rows.push_back(std::move(x));
  }
  out.more = rows.rows() > 0 && rows.int8(0, 7) > count;
  return out;
}

caf::expected<uint64_t> mark_redriven(connection& c, const std::string& topic,
                                      const std::vector<redriven>& rows) {
  array parts{array::int4, rows.size()}, offsets{array::int8, rows.size()},
      to_parts{array::int4, rows.size()}, to_offsets{array::int8, rows.size()};
  for (const auto& x : rows) {
    parts.add_int4(part_of(x.bad));
    offsets.add_int8(x.bad.offset);
    to_parts.add_int4(part_of(x.to));
    to_offsets.add_int8(x.to.offset);
  }
  parameters values;
  values.add_text(topic);
  for (const auto* x : {&parts, &offsets, &to_parts, &to_offsets})
    values.add_array(*x);
  auto done = c.run(mark_bad, values, time_max);
  if (!done.ok())
    return to_error(done, "cannot note what was re-driven");
  return static_cast<uint64_t>(done.int8(0, 0));
}

} // namespace footfall::postgres
