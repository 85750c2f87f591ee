-- The types of a page in the order of their numbers: the first ones are found without a
-- look at all the others, however many types somebody invents. An update of clicks does
-- not touch it. Others may fold meanwhile: it is the only statement here, and in no transaction.
CREATE INDEX CONCURRENTLY IF NOT EXISTS page_series_by_type ON core.page_series (page_no, type_no);
