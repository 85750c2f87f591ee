-- Pairs of page and user in blocks, each a page's from one user number on: how far each number is
-- from the one before (the first: from that of the block), and the clicks. A fold writes a tenth of
-- what it wrote when each pair was a row. The program brings the rows into blocks at its start.
DROP VIEW page_clicks;
ALTER TABLE core_page_clicks RENAME TO core_page_clicks_before;

CREATE TABLE core_pair_blocks (
  first INTEGER PRIMARY KEY,      -- page_no << 32 | user_no, of a page's first block 0
  data TEXT NOT NULL) STRICT;     -- distance,clicks,distance,clicks...

CREATE VIEW core_page_clicks AS
  SELECT page_no << 32 | user_no AS pair, page_no, user_no, clicks FROM (
    SELECT b.first >> 32 AS page_no, j.key AS at,
           (b.first & 4294967295)
             + sum(iif(j.key % 2 = 0, j.value, 0)) OVER in_order AS user_no,
           lead(j.value) OVER in_order AS clicks
      FROM core_pair_blocks b, json_each('[' || b.data || ']') j
    WINDOW in_order AS (PARTITION BY b.first ORDER BY j.key))
   WHERE at % 2 = 0;

CREATE VIEW page_clicks AS
  SELECT u.user_id, p.page_url, c.clicks AS click_count, s.site_id
    FROM core_page_clicks c
    JOIN core_pages p USING (page_no)
    JOIN core_users u USING (user_no)
    JOIN core_sites s ON s.site_no = p.site_no;
