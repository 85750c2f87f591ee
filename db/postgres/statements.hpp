#pragma once

#include <string>

#include "db/postgres/connection.hpp"

/// The statements of the write path. Apply moves next_offset and stores
/// what is new, fold moves folded_offset and adds the rows between to the
/// aggregates; each is one statement, so a stopped client holds no lock.
namespace footfall::postgres::sql {

/// $1 topic, $2 partition
inline constexpr statement add_progress{"add_progress", R"(
  WITH p AS (
    INSERT INTO public.partition_progress (topic, part, epoch, next_offset)
    SELECT $1, $2, 0, 0
     WHERE NOT EXISTS (SELECT 1 FROM public.partition_progress WHERE topic = $1 AND part = $2)
    ON CONFLICT DO NOTHING)
  INSERT INTO public.fold_progress (topic, part, folded_offset)
  SELECT $1, $2, 0
   WHERE NOT EXISTS (SELECT 1 FROM public.fold_progress WHERE topic = $1 AND part = $2)
  ON CONFLICT DO NOTHING)"};

/// Since when every node could renew its lease: after a crash the server's start is the old
/// one, but what it counts begins anew.
inline constexpr const char* up_since =
    "greatest(pg_postmaster_start_time(), (SELECT stats_reset FROM pg_stat_wal))";

// $1 topic, $2 partition, $3 an epoch to stay above, $4 and $5 whose it is then (empty and 0:
// nobody's). What is added is chance: should the store lose this claim and go on from before
// it, no other claim gives the same epoch, and what the owner of now still has under way
// matches nothing.
inline constexpr const char* claim_head = R"(
  UPDATE public.partition_progress p
     SET epoch = greatest(epoch, $3) + 1 + floor(random() * 1048576)::bigint,
         owner = nullif($4::text, ''), incarnation = nullif($5::bigint, 0),
         owner_pid = pg_backend_pid(),
         owner_started = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
   WHERE topic = $1 AND part = $2)";
inline constexpr const char* claim_tail = R"(
  RETURNING epoch, next_offset,
            (SELECT folded_offset FROM public.fold_progress WHERE topic = $1 AND part = $2),
            log_id, mark_offset, mark_hash, stopped_kind IS NOT NULL)";

// $6 the epoch seen, $7 and $8 the owner, $9 whether its connection was seen to have ended.
// The nodes are as they were when the statement began. It may have waited for the row since
// then; but whose lease was over must claim before it may apply again, which the epoch shows.
inline const std::string claim_lease_text = std::string(claim_head) + R"(
     AND epoch = $6 AND owner IS NOT DISTINCT FROM nullif($7::text, '')
     AND incarnation IS NOT DISTINCT FROM nullif($8::bigint, 0)
     AND NOT EXISTS (
       SELECT 1 FROM public.cluster_nodes n WHERE n.name = $4 AND n.incarnation > $5)
     AND NOT EXISTS (
       SELECT 1 FROM public.cluster_nodes n
        WHERE n.name = p.owner AND n.incarnation = p.incarnation AND n.name <> $4
          AND n.expires_at > clock_timestamp()
          AND NOT ($9::int <> 0 AND n.seen_at > )"
                                            + up_since + R"(
                   AND NOT EXISTS (
                     SELECT 1 FROM pg_stat_get_activity(n.backend_pid) s
                      WHERE coalesce(s.backend_start, n.backend_started) = n.backend_started))))"
                                            + claim_tail;
inline const std::string claim_text = std::string(claim_head) + claim_tail;

/// Takes what anybody has.
inline const statement claim{"claim", claim_text.c_str()};
/// Takes what is free, if it is as it was seen.
inline const statement claim_lease{"claim_lease", claim_lease_text.c_str()};

/// $1 topic, $2 partition, $3 epoch, $4 identity of the log
inline constexpr statement adopt_log{"adopt_log", R"(
  UPDATE public.partition_progress SET log_id = $4
   WHERE topic = $1 AND part = $2 AND epoch = $3 RETURNING 1)"};

/// $1 topic, $2 partition, $3 epoch: the same owner on a new connection
inline constexpr statement adopt{"adopt", R"(
  UPDATE public.partition_progress
     SET owner_pid = pg_backend_pid(),
         owner_started = (SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())
   WHERE topic = $1 AND part = $2 AND epoch = $3 RETURNING 1)"};

/// $1 topic, $2 partition, $3 the epoch of whose connection it is; -1: any. A recorded owner
/// that is gone ends nobody: a pid may have been given away again.
inline constexpr statement end_owner{"end_owner", R"(
  SELECT pg_terminate_backend(a.pid)
    FROM public.partition_progress p
    JOIN pg_stat_activity a ON a.pid = p.owner_pid AND a.backend_start = p.owner_started
   WHERE p.topic = $1 AND p.part = $2 AND $3::bigint IN (-1, p.epoch))"};

// $1 topic; of each partition $2 its number, $3 epoch, $4 first offset, $5 next offset,
// in order of their numbers, so that two programs lock them alike; of each event, in key
// order, $6 .. $15; of each refused record $16 .. $20; $21 and $22 the marks of the
// partitions, -1 to keep the one that is there; $23 what to add to their strays. A partition that
// is not ours, or was applied already, keeps its row, and its events and records stay out. What
// stands between the two halves says what happens to events that are there already.
inline constexpr const char* apply_head = R"(
  WITH own AS (
    UPDATE public.partition_progress p
       SET next_offset = b.next_offset,
           mark_offset = CASE WHEN b.mark_offset < 0 THEN p.mark_offset ELSE b.mark_offset END,
           mark_hash = CASE WHEN b.mark_offset < 0 THEN p.mark_hash ELSE b.mark_hash END,
           strays = p.strays + b.strays
      FROM (SELECT unnest($2::int[]) AS part, unnest($3::bigint[]) AS epoch,
                   unnest($4::bigint[]) AS first_offset, unnest($5::bigint[]) AS next_offset,
                   unnest($21::bigint[]) AS mark_offset, unnest($22::bigint[]) AS mark_hash,
                   unnest($23::int[]) AS strays) b
     WHERE p.topic = $1 AND p.part = b.part AND p.epoch = b.epoch
       AND p.next_offset = b.first_offset
    RETURNING p.part),
  ins AS (
    INSERT INTO core.events (at, received_at, position, event_key, page_no, user_no, site_no,
                             type_no, payload_hash, event_id)
    SELECT at, received_at, position, event_key, page_no, user_no, site_no, type_no,
           payload_hash, event_id
      FROM (SELECT unnest($6::uuid[]) AS event_key, unnest($7::int[]) AS site_no,
                   unnest($8::int[]) AS page_no, unnest($9::int[]) AS user_no,
                   unnest($10::int[]) AS type_no, unnest($11::timestamptz[]) AS at,
                   unnest($12::timestamptz[]) AS received_at, unnest($13::bigint[]) AS position,
                   unnest($14::int[]) AS payload_hash, unnest($15::text[]) AS event_id) r
     WHERE (position >> 48 & 1023)::int = ANY (ARRAY(SELECT part FROM own))
     ORDER BY event_key, site_no )";
inline constexpr const char* apply_tail = R"( RETURNING position),
  bad AS (
    INSERT INTO public.bad_events (topic, part, log_offset, log_time, reason, raw)
    SELECT $1, part, log_offset, log_time, reason, raw
      FROM (SELECT unnest($16::int[]) AS part, unnest($17::bigint[]) AS log_offset,
                   unnest($18::timestamptz[]) AS log_time, unnest($19::text[]) AS reason,
                   unnest($20::bytea[]) AS raw) r
     WHERE part = ANY (ARRAY(SELECT part FROM own))
    ON CONFLICT DO NOTHING RETURNING 1)
  SELECT (SELECT array_agg(part) FROM own), n.inserted,
         CASE WHEN n.inserted < cardinality($13) THEN (SELECT array_agg(position) FROM ins) END,
         (SELECT count(*) FROM bad)
    FROM (SELECT count(*) AS inserted FROM ins) n)";

inline const std::string apply_text =
    std::string(apply_head) + "ON CONFLICT DO NOTHING" + apply_tail;
inline const std::string apply_plain_text = std::string(apply_head) + apply_tail;
inline const statement apply{"apply", apply_text.c_str(), "postgres.apply_sent"};
/// Fails with 23505, and undoes itself, when an event is there already.
inline const statement apply_plain{"apply_plain", apply_plain_text.c_str(), "postgres.apply_sent"};

/// $1 keys, $2 sites, $3 payload hashes of events that were not new
inline constexpr statement conflicts{"conflicts", R"(
  SELECT count(*)
    FROM (SELECT unnest($1::uuid[]) AS event_key, unnest($2::int[]) AS site_no,
                 unnest($3::int[]) AS payload_hash) b
    JOIN core.events e ON e.event_key = b.event_key AND e.site_no = b.site_no
   WHERE e.payload_hash <> b.payload_hash)"};

// The tables are always written in one order (clicks, totals, series), each in key
// order: two folds that touch the same pages cannot lock each other.
/// $1 topic, $2 partition, $3 folded so far, $4 until, $5 first position of the
/// partition, $6 the most pages to name
inline constexpr statement fold{"fold", R"(
  WITH own AS (
    UPDATE public.fold_progress SET folded_offset = $4
     WHERE topic = $1 AND part = $2 AND folded_offset = $3
       AND EXISTS (SELECT 1 FROM public.partition_progress p
                    WHERE p.topic = $1 AND p.part = $2 AND p.next_offset >= $4)
    RETURNING 1),
  ev AS MATERIALIZED (
    SELECT page_no, user_no, site_no, type_no, floor(date_part('epoch', at) / 60)::int AS minute, at
      FROM core.events
     WHERE position >= $5::bigint + $3::bigint AND position < $5::bigint + $4::bigint
       AND EXISTS (SELECT 1 FROM own)),
  usr AS (
    INSERT INTO core.page_clicks AS c (page_no, user_no, clicks)
    SELECT page_no, user_no, count(*) FROM ev GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (page_no, user_no) DO UPDATE SET clicks = c.clicks + excluded.clicks
    RETURNING c.page_no, (xmax = 0) AS fresh),
  fresh AS (SELECT page_no, count(*) FILTER (WHERE fresh) AS users FROM usr GROUP BY 1),
  tot AS (
    INSERT INTO core.page_totals AS t (page_no, site_no, clicks, users, last_at)
    SELECT d.page_no, d.site_no, d.n, f.users, d.last_at
      FROM (SELECT page_no, min(site_no) AS site_no, count(*) AS n, max(at) AS last_at
              FROM ev GROUP BY 1) d
      JOIN fresh f USING (page_no) ORDER BY 1
    ON CONFLICT (page_no) DO UPDATE
      SET clicks = t.clicks + excluded.clicks, users = t.users + excluded.users,
          last_at = greatest(t.last_at, excluded.last_at)
    RETURNING t.page_no, t.clicks),
  ser AS (
    INSERT INTO core.page_series AS s (page_no, minute, type_no, clicks)
    SELECT page_no, minute, type_no, count(*) FROM ev WHERE (SELECT count(*) FROM tot) >= 0
     GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (page_no, minute, type_no) DO UPDATE SET clicks = s.clicks + excluded.clicks
    RETURNING 1)
  SELECT (SELECT count(*) FROM ev), (SELECT count(*) FROM ser),
         CASE WHEN n.pages <= $6 THEN (SELECT array_agg(page_no) FROM tot) END,
         CASE WHEN n.pages <= $6 THEN (SELECT array_agg(clicks) FROM tot) END
    FROM own, (SELECT count(*) AS pages FROM tot) n)",
                                "postgres.fold_sent"};

} // namespace footfall::postgres::sql
