-- Numbers inside (schema core), text outside (views with the reference's names).
-- All text compares as bytes: it is faster, and SQLite orders alike.
CREATE TABLE core.store (identity uuid NOT NULL);
CREATE UNIQUE INDEX store_is_one_row ON core.store ((true));
INSERT INTO core.store VALUES (gen_random_uuid());

-- A topic is one generation of an event log. Its number is part of every position,
-- so that a log made anew never mixes with the rows of an older one.
CREATE TABLE core.topics (
  topic text COLLATE "C" PRIMARY KEY,
  topic_no int NOT NULL UNIQUE CHECK (topic_no BETWEEN 0 AND 31));

CREATE TABLE core.sites (
  site_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site_id text COLLATE "C" NOT NULL UNIQUE);
CREATE TABLE core.types (
  type_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_type text COLLATE "C" NOT NULL UNIQUE);
CREATE TABLE core.pages (
  page_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site_no int NOT NULL,
  page_url text COLLATE "C" NOT NULL,
  UNIQUE (site_no, page_url));
CREATE TABLE core.users (
  user_no int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site_no int NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  UNIQUE (site_no, user_id));

CREATE TABLE core.events (
  at timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  position bigint NOT NULL,     -- topic_no << 58 | partition << 48 | log offset
  event_key uuid NOT NULL,      -- the id itself when it is a canonical UUID, else a hash of it
  page_no int NOT NULL,
  user_no int NOT NULL,
  site_no int NOT NULL,
  type_no int NOT NULL,
  payload_hash int NOT NULL,
  event_id text COLLATE "C" NOT NULL,  -- '' when event_key is the id
  PRIMARY KEY (event_key, site_no));   -- key first: one comparison decides
CREATE INDEX events_by_position ON core.events (position);

CREATE TABLE core.page_clicks (
  page_no int, user_no int, clicks int NOT NULL,
  PRIMARY KEY (page_no, user_no)) WITH (fillfactor = 80);
CREATE TABLE core.page_series (
  page_no int, minute int, type_no int, clicks int NOT NULL,
  PRIMARY KEY (page_no, minute, type_no)) WITH (fillfactor = 75);
CREATE TABLE core.page_totals (
  page_no int PRIMARY KEY, site_no int NOT NULL,
  clicks bigint NOT NULL, users bigint NOT NULL, last_at timestamptz NOT NULL)
  WITH (fillfactor = 50);
CREATE INDEX page_totals_by_site ON core.page_totals (site_no);

-- The two cursors stand apart: in one row, apply would wait for fold.
CREATE TABLE public.partition_progress (
  topic text COLLATE "C", part int, epoch bigint NOT NULL, next_offset bigint NOT NULL,
  owner_pid int, owner_started timestamptz,
  PRIMARY KEY (topic, part)) WITH (fillfactor = 20);
CREATE TABLE public.fold_progress (
  topic text COLLATE "C", part int, folded_offset bigint NOT NULL,
  PRIMARY KEY (topic, part)) WITH (fillfactor = 20);
CREATE TABLE public.bad_events (
  topic text COLLATE "C", part int, log_offset bigint,
  log_time timestamptz NOT NULL, reason text NOT NULL, raw bytea NOT NULL,
  PRIMARY KEY (topic, part, log_offset));
CREATE INDEX bad_events_by_time ON public.bad_events (log_time);

-- The rows that are applied and not yet folded.
CREATE VIEW core.tail AS
  SELECT e.page_no, e.user_no, e.site_no, e.type_no, e.at,
         floor(date_part('epoch', e.at) / 60)::int AS minute
    FROM core.topics t
    JOIN public.fold_progress f USING (topic)
    JOIN core.events e
      ON e.position >= (t.topic_no::bigint << 58) + (f.part::bigint << 48) + f.folded_offset
     AND e.position < (t.topic_no::bigint << 58) + ((f.part + 1)::bigint << 48);

CREATE VIEW public.click_events AS
  SELECT s.site_id,
         CASE WHEN e.event_id = '' THEN e.event_key::text ELSE e.event_id END AS event_id,
         u.user_id, y.event_type, p.page_url, e.at AS time_stamp, e.received_at,
         t.topic, (e.position >> 48 & 1023)::int AS part,
         e.position & 281474976710655 AS log_offset
    FROM core.events e
    JOIN core.sites s ON s.site_no = e.site_no
    JOIN core.types y ON y.type_no = e.type_no
    JOIN core.pages p ON p.page_no = e.page_no AND p.site_no = e.site_no
    JOIN core.users u ON u.user_no = e.user_no AND u.site_no = e.site_no
    LEFT JOIN core.topics t ON t.topic_no = e.position >> 58;

CREATE VIEW public.page_clicks AS
  SELECT u.user_id, p.page_url, c.clicks AS click_count, s.site_id
    FROM core.page_clicks c
    JOIN core.pages p USING (page_no)
    JOIN core.users u ON u.user_no = c.user_no AND u.site_no = p.site_no
    JOIN core.sites s ON s.site_no = p.site_no;

CREATE VIEW public.page_totals AS
  SELECT s.site_id, p.page_url, t.clicks, t.users, t.last_at
    FROM core.page_totals t
    JOIN core.pages p ON p.page_no = t.page_no AND p.site_no = t.site_no
    JOIN core.sites s ON s.site_no = t.site_no;

CREATE VIEW public.page_series AS
  SELECT s.site_id, p.page_url, to_timestamp(r.minute::bigint * 60) AS bucket,
         y.event_type, r.clicks
    FROM core.page_series r
    JOIN core.pages p USING (page_no)
    JOIN core.types y USING (type_no)
    JOIN core.sites s ON s.site_no = p.site_no;
