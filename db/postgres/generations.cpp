#include "db/postgres/generations.hpp"

#include <algorithm>

#include "db/postgres/fold.hpp"

namespace footfall::postgres {

namespace {

/// $1 log
constexpr statement current{"current_generation", R"(
  SELECT topic, topic_no, generation FROM core.current_topics WHERE log = $1)"};

/// $1 log. A topic of Kafka may be named as an embedded log is.
constexpr statement rename{"rename_log", R"(
  UPDATE core.topics SET log = $1, generation = 1 WHERE topic = $1)"};

/// $1 log
constexpr statement add{"add_topic", R"(
  INSERT INTO core.topics (topic, topic_no, log, generation)
  SELECT $1, (SELECT coalesce(max(topic_no) + 1, 0) FROM core.topics), $1, 1
   WHERE NOT EXISTS (SELECT 1 FROM core.topics WHERE topic = $1))"};

// Epochs go on counting, so that no batch of the last generation fits into the new one.
/// $1 log, $2 where each partition begins, $3 identity of the log
constexpr statement begin{"begin_generation", R"(
  WITH last AS (
    SELECT topic, generation FROM core.current_topics WHERE log = $1),
  next AS (
    INSERT INTO core.topics (topic, topic_no, log, generation)
    SELECT $1 || '#' || (generation + 1), (SELECT max(topic_no) + 1 FROM core.topics), $1,
           generation + 1
      FROM last
    RETURNING topic, topic_no, generation),
  fenced AS (
    UPDATE public.partition_progress p
       SET epoch = p.epoch + 1, owner = NULL, incarnation = NULL
      FROM last WHERE p.topic = last.topic RETURNING p.part, p.epoch),
  starts AS (
    SELECT (n - 1)::int AS part, start FROM unnest($2::bigint[]) WITH ORDINALITY AS s(start, n)),
  progress AS (
    INSERT INTO public.partition_progress (topic, part, epoch, next_offset, log_id)
    SELECT next.topic, s.part, coalesce(f.epoch, 0), s.start, $3
      FROM next CROSS JOIN starts s LEFT JOIN fenced f USING (part)
    RETURNING 1),
  folds AS (
    INSERT INTO public.fold_progress (topic, part, folded_offset)
    SELECT next.topic, s.part, s.start FROM next CROSS JOIN starts s RETURNING 1)
  SELECT topic, topic_no, generation, (SELECT count(*) FROM progress), (SELECT count(*) FROM folds)
    FROM next)"};

/// $1 log, $2 generation, $3 partition
constexpr statement older{"older_generations", R"(
  SELECT t.topic, t.topic_no, f.folded_offset, p.next_offset
    FROM core.topics t JOIN public.partition_progress p USING (topic)
    JOIN public.fold_progress f USING (topic, part)
   WHERE t.log = $1 AND t.generation < $2 AND p.part = $3 AND f.folded_offset < p.next_offset)"};

constexpr const char* no_room = "the database has had 32 logs, generations included, and can tell "
                                "no more apart; begin a new one (DATABASE_URL)";

generation read_row(const result& rows) {
  return {std::string(rows.bytes(0, 0)), rows.int4(0, 1), static_cast<uint32_t>(rows.int4(0, 2))};
}

} // namespace

result read_generation(connection& c, const std::string& log, generation& out) {
  parameters values;
  values.add_text(log);
  auto rows = c.run(current, values);
  if (rows.ok() && rows.rows() > 0)
    out = read_row(rows);
  return rows;
}

caf::expected<generation> register_log(connection& c, const std::string& log) {
  parameters values;
  values.add_text(log);
  generation out;
  auto rows = read_generation(c, log, out);
  if (rows.ok() && rows.rows() == 0) {
    if (auto done = c.run(rename, values); !done.ok())
      return to_error(done, "cannot register the topic");
    if (auto done = c.run(add, values); !done.ok())
      return done.state == "23514" ? make_error(errc::invalid_argument, no_room)
                                   : to_error(done, "cannot register the topic");
    rows = read_generation(c, log, out);
  }
  if (!rows.ok() || rows.rows() == 0)
    return to_error(rows, "cannot read the topic's number");
  return out;
}

caf::expected<uint32_t> begin_generation(connection& c, known_generation& now,
                                         const std::vector<int64_t>& starts,
                                         const std::string& log_id) {
  array offsets{array::int8, starts.size()};
  for (auto x : starts)
    offsets.add_int8(x);
  parameters values;
  values.add_text(now.log());
  values.add_array(offsets);
  values.add_text(log_id);
  auto rows = c.run(begin, values);
  if (rows.state == "23514")
    return make_error(errc::overloaded, no_room);
  if (!rows.ok() || rows.rows() == 0)
    return to_error(rows, "cannot begin a generation");
  auto made = read_row(rows);
  const auto number = made.number;
  now.set(std::move(made));
  return number;
}

// Nobody owns an earlier generation any more. What fails is done after the next claim.
void fold_older(connection& c, const generation& now, const std::string& log, uint32_t partition) {
  parameters values;
  values.add_text(log);
  values.add_int4(static_cast<int32_t>(now.number));
  values.add_int4(static_cast<int32_t>(partition));
  const auto rows = c.run(older, values);
  if (!rows.ok())
    return;
  constexpr auto step = static_cast<int64_t>(fold_records_max);
  for (int i = 0; i < rows.rows(); ++i)
    for (auto from = rows.int8(i, 2); from < rows.int8(i, 3); from += step)
      fold(c, std::string(rows.bytes(i, 0)), rows.int4(i, 1), partition, from,
           std::min(rows.int8(i, 3), from + step));
}

} // namespace footfall::postgres
