-- The types of a page stand in page_types. Beside others: an audit reads for long, and who
-- waits for its end in a plain DROP holds up all who come after.
DROP INDEX CONCURRENTLY IF EXISTS core.page_series_by_type;
