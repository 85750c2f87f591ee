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
         m.slice IS NOT NULL AND e.position < (t.topic_no << 58 | f.part << 48) + m.until
           AND (e.page_no << 32 | e.user_no) < m.next_pair AS is_in_pairs,
         m.slice IS NOT NULL AND e.position < (t.topic_no << 58 | f.part << 48) + m.until
           AND (e.page_no, e.at_us / 60000000, e.type_no)
               < (m.next_page, m.next_minute, m.next_type) AS is_in_minutes
    FROM core_topics t
    JOIN fold_progress f USING (topic)
    LEFT JOIN core_merge_progress m ON m.slice = t.topic_no << 10 | f.part
   CROSS JOIN core_events e
      ON e.position >= (t.topic_no << 58 | f.part << 48) + coalesce(m.merged, 0)
     AND e.position < (t.topic_no << 58 | f.part << 48) + f.folded_offset;

-- Site and page are what the window is parted by, and what is grouped by, so that a question for
-- one page reads its blocks and no others.
DROP VIEW page_clicks;
CREATE VIEW page_clicks AS
  SELECT u.user_id, c.page_url, sum(c.clicks) AS click_count, c.site_id FROM (
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
      JOIN core_pages p USING (page_no)
      JOIN core_sites s ON s.site_no = p.site_no
     WHERE NOT l.is_in_pairs) c
    JOIN core_users u USING (user_no)
   GROUP BY c.site_id, c.page_url, c.user_no;

-- Users count those that stand in a block: the others are added here.
DROP VIEW page_totals;
CREATE VIEW page_totals AS
  WITH late AS MATERIALIZED (
    SELECT DISTINCT page_no, user_no FROM core_late_rows WHERE NOT is_in_pairs)
  SELECT s.site_id, p.page_url, t.clicks,
         t.users + (SELECT count(*) FROM late l WHERE l.page_no = t.page_no AND NOT EXISTS (
           SELECT 1 FROM (
             SELECT (b.first & 4294967295) + sum(iif(j.key % 2 = 0, j.value, 0))
                      OVER (ORDER BY j.key) AS user_no, j.key AS at
               FROM core_pair_blocks b, json_each('[' || b.data || ']') j
              WHERE b.first = (SELECT max(first) FROM core_pair_blocks
                                WHERE first >= l.page_no << 32
                                  AND first <= (l.page_no << 32 | l.user_no)))
            WHERE at % 2 = 0 AND user_no = l.user_no)) AS users,
         strftime('%Y-%m-%dT%H:%M:%S', t.last_at_us / 1000000, 'unixepoch')
           || printf('.%06dZ', t.last_at_us % 1000000) AS last_at
    FROM core_page_totals t
    JOIN core_pages p USING (page_no)
    JOIN core_sites s ON s.site_no = t.site_no;

DROP VIEW page_series;
CREATE VIEW page_series AS
  SELECT site_id, page_url, strftime('%Y-%m-%dT%H:%M:%SZ', minute * 60, 'unixepoch') AS bucket,
         event_type, sum(clicks) AS clicks FROM (
    SELECT s.site_id, p.page_url, r.minute, y.event_type, r.clicks
      FROM core_page_series r
      JOIN core_pages p USING (page_no)
      JOIN core_types y USING (type_no)
      JOIN core_sites s ON s.site_no = p.site_no
    UNION ALL
    SELECT s.site_id, p.page_url, l.minute, y.event_type, 1
      FROM core_late_rows l
      JOIN core_pages p USING (page_no)
      JOIN core_types y USING (type_no)
      JOIN core_sites s ON s.site_no = p.site_no
     WHERE NOT l.is_in_minutes)
   GROUP BY site_id, page_url, minute, event_type;
