#pragma once

#include "db/postgres/connection.hpp"

/// The yardsticks of postgres_bench: text keys, everything in one statement; and
/// what most programs do, one event at a time.
namespace footfall::bench {

inline constexpr const char* text_schema = R"(
CREATE TABLE partition_progress (
  topic text, part int, epoch bigint NOT NULL, next_offset bigint NOT NULL,
  owner_pid int, owner_started timestamptz, PRIMARY KEY (topic, part));
INSERT INTO partition_progress VALUES ('clicks', 0, 1, 0);
CREATE TABLE click_events (
  site_id text, event_id text, user_id text NOT NULL, event_type text NOT NULL,
  page_url text NOT NULL,
  bucket timestamptz NOT NULL, received_at timestamptz NOT NULL, payload_hash bytea NOT NULL,
  PRIMARY KEY (site_id, event_id)) PARTITION BY HASH (event_id);
CREATE TABLE click_events_0 PARTITION OF click_events FOR VALUES WITH (MODULUS 4, REMAINDER 0);
CREATE TABLE click_events_1 PARTITION OF click_events FOR VALUES WITH (MODULUS 4, REMAINDER 1);
CREATE TABLE click_events_2 PARTITION OF click_events FOR VALUES WITH (MODULUS 4, REMAINDER 2);
CREATE TABLE click_events_3 PARTITION OF click_events FOR VALUES WITH (MODULUS 4, REMAINDER 3);
CREATE TABLE page_totals (
  site_id text, page_url text, clicks bigint NOT NULL, version bigint NOT NULL,
  PRIMARY KEY (site_id, page_url));
CREATE TABLE page_series (site_id text, page_url text, bucket timestamptz, event_type text,
  clicks bigint NOT NULL, PRIMARY KEY (site_id, page_url, bucket, event_type));
CREATE TABLE page_clicks (site_id text, page_url text, user_id text, click_count bigint NOT NULL,
  PRIMARY KEY (site_id, page_url, user_id));
CREATE TABLE bad_events (
  topic text, part int, log_offset bigint, log_time timestamptz NOT NULL, site_id text,
  reason text NOT NULL, raw bytea NOT NULL, PRIMARY KEY (topic, part, log_offset));
CREATE TABLE naive_events (
  site_id text, event_id text PRIMARY KEY, user_id text, event_type text, page_url text,
  time_stamp timestamptz);
CREATE TABLE naive_clicks (site_id text, page_url text, user_id text, click_count bigint NOT NULL,
  PRIMARY KEY (site_id, page_url, user_id)))";

inline constexpr postgres::statement naive_insert{"naive_insert", R"(
  INSERT INTO naive_events (site_id, event_id, user_id, event_type, page_url, time_stamp)
  VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING)"};

inline constexpr postgres::statement naive_upsert{"naive_upsert", R"(
  INSERT INTO naive_clicks AS c (site_id, page_url, user_id, click_count) VALUES ($1, $2, $3, 1)
  ON CONFLICT (site_id, page_url, user_id) DO UPDATE SET click_count = c.click_count + 1)"};

inline constexpr postgres::statement text_apply{"text_apply", R"(
WITH own AS (
  UPDATE partition_progress SET next_offset = $5
   WHERE topic = $1 AND part = $2 AND epoch = $3 AND next_offset = $4
  RETURNING 1),
rec AS (
  SELECT * FROM unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                       $11::timestamptz[], $12::timestamptz[], $13::bytea[])
    WITH ORDINALITY AS u(site_id, event_id, user_id, event_type, page_url, bucket, received_at,
                         payload_hash, ord)),
ins AS (
  INSERT INTO click_events (site_id, event_id, user_id, event_type, page_url, bucket, received_at,
                            payload_hash)
  SELECT site_id, event_id, user_id, event_type, page_url, bucket, received_at, payload_hash
    FROM rec
   WHERE EXISTS (SELECT 1 FROM own)
   ORDER BY site_id, event_id, ord
  ON CONFLICT DO NOTHING
  RETURNING site_id, user_id, event_type, page_url, bucket),
tot AS (
  INSERT INTO page_totals AS t (site_id, page_url, clicks, version)
  SELECT site_id, page_url, count(*), 1 FROM ins
   GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (site_id, page_url)
  DO UPDATE SET clicks = t.clicks + excluded.clicks, version = t.version + 1
  RETURNING t.site_id, t.page_url, t.clicks, t.version),
ser AS (
  INSERT INTO page_series AS s (site_id, page_url, bucket, event_type, clicks)
  SELECT site_id, page_url, bucket, event_type, count(*) FROM ins
   WHERE (SELECT count(*) FROM tot) >= 0
   GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
  ON CONFLICT (site_id, page_url, bucket, event_type)
  DO UPDATE SET clicks = s.clicks + excluded.clicks
  RETURNING s.site_id, s.page_url, s.bucket, s.event_type, s.clicks),
usr AS (
  INSERT INTO page_clicks AS c (site_id, page_url, user_id, click_count)
  SELECT site_id, page_url, user_id, count(*) FROM ins
   WHERE (SELECT count(*) FROM ser) >= 0
   GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (site_id, page_url, user_id)
  DO UPDATE SET click_count = c.click_count + excluded.click_count
  RETURNING c.site_id, c.page_url, c.user_id, c.click_count),
bad AS (
  INSERT INTO bad_events (topic, part, log_offset, log_time, site_id, reason, raw)
  SELECT $1, $2, b.log_offset, b.log_time, b.site_id, b.reason, b.raw
    FROM unnest($14::bigint[], $15::timestamptz[], $16::text[], $17::text[], $18::bytea[])
         AS b(log_offset, log_time, site_id, reason, raw)
   WHERE EXISTS (SELECT 1 FROM own)
   ORDER BY b.log_offset
  ON CONFLICT DO NOTHING
  RETURNING 1)
SELECT a.kind, a.ord, a.n, a.version, (SELECT count(*) FROM ins) AS counted,
       (SELECT count(*) FROM bad) AS refused
  FROM own LEFT JOIN (
    SELECT 't' AS kind, min(ord) AS ord, clicks AS n, version
      FROM tot JOIN rec USING (site_id, page_url) GROUP BY site_id, page_url, clicks, version
    UNION ALL
    SELECT 's', min(ord), clicks, NULL
      FROM ser JOIN rec USING (site_id, page_url, bucket, event_type)
     GROUP BY site_id, page_url, bucket, event_type, clicks
    UNION ALL
    SELECT 'u', min(ord), click_count, NULL
      FROM usr JOIN rec USING (site_id, page_url, user_id)
     GROUP BY site_id, page_url, user_id, click_count) a ON true)"};

} // namespace footfall::bench
