-- Numbers inside (core_*), text outside (views with the reference's names).
-- All text compares as bytes. Times are UTC microseconds, minutes count from 1970.

CREATE TABLE core_meta (
  name TEXT PRIMARY KEY,
  value ANY NOT NULL) STRICT, WITHOUT ROWID;

-- A topic is one generation of an event log. Its number is part of every position,
-- so that another log never mixes with the rows of an older one.
CREATE TABLE core_topics (
  topic_no INTEGER PRIMARY KEY CHECK (topic_no BETWEEN 0 AND 31),
  topic TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE core_sites (
  site_no INTEGER PRIMARY KEY,
  site_id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE core_types (
  type_no INTEGER PRIMARY KEY,
  event_type TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE core_pages (
  page_no INTEGER PRIMARY KEY,
  site_no INTEGER NOT NULL,
  page_url TEXT NOT NULL,
  UNIQUE (site_no, page_url)) STRICT;
CREATE TABLE core_users (
  user_no INTEGER PRIMARY KEY,
  site_no INTEGER NOT NULL,
  user_id TEXT NOT NULL,
  UNIQUE (site_no, user_id)) STRICT;

CREATE TABLE core_events (
  position INTEGER PRIMARY KEY,   -- topic_no << 58 | partition << 48 | log offset
  page_no INTEGER NOT NULL,
  user_no INTEGER NOT NULL,
  site_no INTEGER NOT NULL,
  type_no INTEGER NOT NULL,
  at_us INTEGER NOT NULL,
  delay_us INTEGER NOT NULL,      -- received_at - at
  payload_hash INTEGER NOT NULL,
  event_key BLOB NOT NULL,        -- the id itself when it is a canonical UUID, else a hash of it
  event_id TEXT) STRICT;          -- NULL when event_key is the id

-- What makes (event_key, site_no) unique. A whole number as key costs a fraction of
-- what the 17 bytes would: 64 bits of them find the row, and the row decides. Keys
-- whose 64 bits are taken by another one stand in core_event_id_clashes. Keys of the
-- newest rows, from the offsets in core_id_progress on, may be in memory alone.
CREATE TABLE core_event_ids (
  hash INTEGER PRIMARY KEY,
  position INTEGER NOT NULL) STRICT;
CREATE TABLE core_event_id_clashes (
  event_key BLOB NOT NULL,
  site_no INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (event_key, site_no)) STRICT, WITHOUT ROWID;
CREATE TABLE core_id_progress (
  slice INTEGER PRIMARY KEY,      -- topic_no << 10 | partition
  complete INTEGER NOT NULL) STRICT;

CREATE TABLE core_bad_events (
  position INTEGER PRIMARY KEY,
  time_us INTEGER NOT NULL,
  reason TEXT NOT NULL,
  raw BLOB NOT NULL) STRICT;
CREATE INDEX core_bad_events_by_time ON core_bad_events (time_us);

-- The aggregates: each equals the rows below the folded positions.
CREATE TABLE core_page_clicks (
  pair INTEGER PRIMARY KEY,       -- page_no << 32 | user_no
  clicks INTEGER NOT NULL) STRICT;
CREATE TABLE core_page_totals (
  page_no INTEGER PRIMARY KEY,
  site_no INTEGER NOT NULL,
  clicks INTEGER NOT NULL,
  users INTEGER NOT NULL,
  last_at_us INTEGER NOT NULL) STRICT;
CREATE INDEX core_page_totals_by_site ON core_page_totals (site_no);
CREATE TABLE core_page_types (
  page_no INTEGER NOT NULL,
  type_no INTEGER NOT NULL,
  clicks INTEGER NOT NULL,
  PRIMARY KEY (page_no, type_no)) STRICT, WITHOUT ROWID;
CREATE TABLE core_page_series (
  page_no INTEGER NOT NULL,
  minute INTEGER NOT NULL,
  type_no INTEGER NOT NULL,
  clicks INTEGER NOT NULL,
  PRIMARY KEY (page_no, minute, type_no)) STRICT, WITHOUT ROWID;
CREATE TABLE core_site_series (
  site_no INTEGER NOT NULL,
  minute INTEGER NOT NULL,
  clicks INTEGER NOT NULL,
  PRIMARY KEY (site_no, minute)) STRICT, WITHOUT ROWID;

CREATE TABLE partition_progress (
  topic TEXT NOT NULL,
  part INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  next_offset INTEGER NOT NULL,
  PRIMARY KEY (topic, part)) STRICT, WITHOUT ROWID;
CREATE TABLE fold_progress (
  topic TEXT NOT NULL,
  part INTEGER NOT NULL,
  folded_offset INTEGER NOT NULL,
  PRIMARY KEY (topic, part)) STRICT, WITHOUT ROWID;

CREATE VIEW click_events AS
  SELECT s.site_id,
         coalesce(e.event_id,
                  lower(substr(hex(e.event_key), 1, 8) || '-' || substr(hex(e.event_key), 9, 4)
                        || '-' || substr(hex(e.event_key), 13, 4) || '-'
                        || substr(hex(e.event_key), 17, 4) || '-'
                        || substr(hex(e.event_key), 21))) AS event_id,
         u.user_id, y.event_type, p.page_url,
         strftime('%Y-%m-%dT%H:%M:%S', e.at_us / 1000000, 'unixepoch')
           || printf('.%06dZ', e.at_us % 1000000) AS time_stamp,
         strftime('%Y-%m-%dT%H:%M:%S', (e.at_us + e.delay_us) / 1000000, 'unixepoch')
           || printf('.%06dZ', (e.at_us + e.delay_us) % 1000000) AS received_at,
         t.topic, e.position >> 48 & 1023 AS part, e.position & 281474976710655 AS log_offset
    FROM core_events e
    JOIN core_sites s USING (site_no)
    JOIN core_types y USING (type_no)
    JOIN core_pages p USING (page_no)
    JOIN core_users u USING (user_no)
    LEFT JOIN core_topics t ON t.topic_no = e.position >> 58;

CREATE VIEW page_clicks AS
  SELECT u.user_id, p.page_url, c.clicks AS click_count, s.site_id
    FROM core_page_clicks c
    JOIN core_pages p ON p.page_no = c.pair >> 32
    JOIN core_users u ON u.user_no = c.pair & 4294967295
    JOIN core_sites s ON s.site_no = p.site_no;

CREATE VIEW page_totals AS
  SELECT s.site_id, p.page_url, t.clicks, t.users,
         strftime('%Y-%m-%dT%H:%M:%S', t.last_at_us / 1000000, 'unixepoch')
           || printf('.%06dZ', t.last_at_us % 1000000) AS last_at
    FROM core_page_totals t
    JOIN core_pages p USING (page_no)
    JOIN core_sites s ON s.site_no = t.site_no;

CREATE VIEW page_series AS
  SELECT s.site_id, p.page_url,
         strftime('%Y-%m-%dT%H:%M:%SZ', r.minute * 60, 'unixepoch') AS bucket,
         y.event_type, r.clicks
    FROM core_page_series r
    JOIN core_pages p USING (page_no)
    JOIN core_types y USING (type_no)
    JOIN core_sites s ON s.site_no = p.site_no;

CREATE VIEW bad_events AS
  SELECT t.topic, b.position >> 48 & 1023 AS part, b.position & 281474976710655 AS log_offset,
         strftime('%Y-%m-%dT%H:%M:%S', b.time_us / 1000000, 'unixepoch')
           || printf('.%06dZ', b.time_us % 1000000) AS log_time,
         b.reason, b.raw
    FROM core_bad_events b
    LEFT JOIN core_topics t ON t.topic_no = b.position >> 58;
