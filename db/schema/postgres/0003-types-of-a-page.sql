-- The types of a page in the order of their numbers: the first ones are found without a
-- look at all the others, however many types somebody invents. An update of clicks does
-- not touch it.
CREATE INDEX page_series_by_type ON core.page_series (page_no, type_no);
