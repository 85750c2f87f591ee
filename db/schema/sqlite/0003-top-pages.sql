-- The pages of a site in the order of their clicks: the first ones are found without a
-- look at all the others, however many pages somebody invents.
DROP INDEX core_page_totals_by_site;
CREATE INDEX core_page_totals_by_clicks ON core_page_totals (site_no, clicks DESC);
