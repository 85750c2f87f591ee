-- A page that was clicked once stands in no order of clicks: it is among all the others
-- that were, and those come by name. What a client invents costs one index less.
DROP INDEX core_page_totals_by_clicks;
CREATE INDEX core_page_totals_by_clicks ON core_page_totals (site_no, clicks DESC)
  WHERE clicks > 1;
