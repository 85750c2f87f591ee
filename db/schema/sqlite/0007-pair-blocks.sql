-- Pairs of page and user in blocks, each a page's from one user number on: how far each number is
-- from the one before (the first: from that of the block), and the clicks. A fold writes a fraction
-- of what it wrote when each pair was a row. The program brings the rows into blocks at its start.
DROP VIEW page_clicks;
ALTER TABLE core_page_clicks RENAME TO core_page_clicks_before;

CREATE TABLE core_pair_blocks (
  first INTEGER PRIMARY KEY,      -- page_no << 32 | user_no, of a page's first block 0
  data TEXT NOT NULL) STRICT;     -- distance,clicks,distance,clicks...

-- Site and page are what the window is parted by, so that a question for one page reads its blocks
-- and no others.
CREATE VIEW page_clicks AS
  SELECT u.user_id, c.page_url, c.clicks AS click_count, c.site_id FROM (
    SELECT p.page_url, s.site_id, j.key AS at,
           (b.first & 4294967295)
             + sum(iif(j.key % 2 = 0, j.value, 0)) OVER in_order AS user_no,
           lead(j.value) OVER in_order AS clicks
      FROM core_sites s
      JOIN core_pages p USING (site_no)
      JOIN core_pair_blocks b ON b.first >= p.page_no << 32 AND b.first < (p.page_no + 1) << 32
      JOIN json_each('[' || b.data || ']') j
    WINDOW in_order AS (PARTITION BY s.site_id, p.page_url, b.first ORDER BY j.key)) c
    JOIN core_users u USING (user_no)
   WHERE c.at % 2 = 0;
