-- What a fold adds to pairs of page and user, and to a page's minutes and types, comes into their
-- tables later than all else, many folds at once: what is written for it is shared. Until then it
-- is counted from the rows.
CREATE TABLE core_merge_progress (
  slice INTEGER PRIMARY KEY,      -- topic_no << 10 | partition
  merged INTEGER NOT NULL,        -- offset: the rows below are in all tables,
  until INTEGER NOT NULL,         -- and of the rows below this one those are, of which
  next_pair INTEGER NOT NULL,     -- the pair is lower: page_no << 32 | user_no
  next_page INTEGER NOT NULL,     -- page, minute and type are lower: in the minutes and types
  next_minute INTEGER NOT NULL,
  next_type INTEGER NOT NULL) STRICT;
INSERT INTO core_merge_progress
  SELECT t.topic_no << 10 | f.part, f.folded_offset, f.folded_offset, 0, 0, 0, 0
    FROM core_topics t JOIN fold_progress f USING (topic);

-- Rows that are folded and not in all tables, and what they are in.
CREATE VIEW core_late_rows AS
  SELECT e.page_no, e.user_no, e.type_no, e.at_us / 60000000 AS minute,
         m.slice IS NOT NULL AND e.position < ((t.topic_no << 10 | f.part) << 48) + m.until
           AND (e.page_no << 32 | e.user_no) < m.next_pair AS is_in_pairs,
         m.slice IS NOT NULL AND e.position < ((t.topic_no << 10 | f.part) << 48) + m.until
           AND (e.page_no, e.at_us / 60000000, e.type_no)
               < (m.next_page, m.next_minute, m.next_type) AS is_in_minutes
    FROM core_topics t
    JOIN fold_progress f USING (topic)
    LEFT JOIN core_merge_progress m ON m.slice = t.topic_no << 10 | f.part
   CROSS JOIN core_events e
      ON e.position >= ((t.topic_no << 10 | f.part) << 48) + coalesce(m.merged, 0)
     AND e.position < ((t.topic_no << 10 | f.part) << 48) + f.folded_offset;

-- Windows and no GROUP BY, and joins in this order: so that a question for one page comes down to
-- its blocks and minutes, and looks at no others.
DROP VIEW page_clicks;
CREATE VIEW page_clicks AS
  SELECT u.user_id, c.page_url, c.click_count, c.site_id FROM (
    SELECT a.site_id, a.page_url, a.user_no,
           sum(a.clicks) OVER of_one AS click_count,
           row_number() OVER of_one AS nth FROM (
      SELECT w.site_id, w.page_url, w.user_no, w.clicks FROM (
        SELECT p.page_url, s.site_id, j.key AS at,
               (b.first & 4294967295)
                 + sum(iif(j.key % 2 = 0, j.value, 0)) OVER in_order AS user_no,
               lead(j.value) OVER in_order AS clicks
          FROM core_sites s
          JOIN core_pages p USING (site_no)
          JOIN core_pair_blocks b ON b.first >= p.page_no << 32 AND b.first < (p.page_no + 1) << 32
          JOIN json_each('[' || b.data || ']') j
        WINDOW in_order AS (PARTITION BY s.site_id, p.page_url, b.first ORDER BY j.key)) w
       WHERE w.at % 2 = 0
      UNION ALL
      SELECT s.site_id, p.page_url, l.user_no, 1
        FROM core_late_rows l
       CROSS JOIN core_pages p ON p.page_no = l.page_no
       CROSS JOIN core_sites s ON s.site_no = p.site_no
       WHERE NOT l.is_in_pairs) a
    WINDOW of_one AS (PARTITION BY a.site_id, a.page_url, a.user_no)) c
    JOIN core_users u USING (user_no)
   WHERE c.nth = 1;

-- Users count those that stand in a block: the others are added here.
DROP VIEW page_totals;
CREATE VIEW page_totals AS
  WITH late AS MATERIALIZED (
    SELECT DISTINCT page_no, user_no FROM core_late_rows WHERE NOT is_in_pairs)
  SELECT s.site_id, p.page_url, t.clicks,
         t.users + iif(t.page_no IN (SELECT page_no FROM late), (SELECT count(*) FROM (
           SELECT user_no FROM late WHERE page_no = t.page_no
           EXCEPT
           SELECT user_no FROM (
             SELECT j.key AS at, (b.first & 4294967295) + sum(iif(j.key % 2 = 0, j.value, 0))
                      OVER (PARTITION BY b.first ORDER BY j.key) AS user_no
               FROM core_pair_blocks b, json_each('[' || b.data || ']') j
              WHERE b.first >= t.page_no << 32 AND b.first < (t.page_no + 1) << 32)
            WHERE at % 2 = 0)), 0) AS users,
         strftime('%Y-%m-%dT%H:%M:%S', t.last_at_us / 1000000, 'unixepoch')
           || printf('.%06dZ', t.last_at_us % 1000000) AS last_at
    FROM core_page_totals t
    JOIN core_pages p USING (page_no)
    JOIN core_sites s ON s.site_no = p.site_no;

DROP VIEW page_series;
CREATE VIEW page_series AS
  SELECT c.site_id, c.page_url,
         strftime('%Y-%m-%dT%H:%M:%SZ', c.minute * 60, 'unixepoch') AS bucket,
         y.event_type, c.clicks FROM (
    SELECT a.site_id, a.page_url, a.minute, a.type_no, sum(a.clicks) OVER of_one AS clicks,
           row_number() OVER of_one AS nth FROM (
      SELECT s.site_id, p.page_url, r.minute, r.type_no, r.clicks
        FROM core_sites s
       CROSS JOIN core_pages p ON p.site_no = s.site_no
       CROSS JOIN core_page_series r ON r.page_no = p.page_no
      UNION ALL
      SELECT s.site_id, p.page_url, l.minute, l.type_no, 1
        FROM core_late_rows l
       CROSS JOIN core_pages p ON p.page_no = l.page_no
       CROSS JOIN core_sites s ON s.site_no = p.site_no
       WHERE NOT l.is_in_minutes) a
    WINDOW of_one AS (PARTITION BY a.site_id, a.page_url, a.minute, a.type_no)) c
    JOIN core_types y USING (type_no)
   WHERE c.nth = 1;
