-- The clicks of a page by type: what a page that is loaded names, without a look at every
-- minute that it ever had. Whoever writes the series, a node of an older version too, moves
-- them along by the triggers. Folds wait while the table is made.
LOCK TABLE core.page_series IN SHARE ROW EXCLUSIVE MODE;
CREATE TABLE core.page_types (
  page_no int, type_no int, clicks bigint NOT NULL,
  PRIMARY KEY (page_no, type_no)) WITH (fillfactor = 70);
INSERT INTO core.page_types
SELECT page_no, type_no, sum(clicks) FROM core.page_series GROUP BY 1, 2 ORDER BY 1, 2;

CREATE FUNCTION core.add_page_types() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO core.page_types AS t (page_no, type_no, clicks)
  SELECT page_no, type_no, sum(clicks) FROM added GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (page_no, type_no) DO UPDATE SET clicks = t.clicks + excluded.clicks;
  RETURN NULL;
END $$;
CREATE FUNCTION core.move_page_types() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO core.page_types AS t (page_no, type_no, clicks)
  SELECT page_no, type_no, sum(clicks)
    FROM (SELECT page_no, type_no, clicks FROM added
          UNION ALL SELECT page_no, type_no, -clicks FROM taken) x
   GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (page_no, type_no) DO UPDATE SET clicks = t.clicks + excluded.clicks;
  RETURN NULL;
END $$;
CREATE TRIGGER add_page_types AFTER INSERT ON core.page_series
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION core.add_page_types();
CREATE TRIGGER move_page_types AFTER UPDATE ON core.page_series
  REFERENCING NEW TABLE AS added OLD TABLE AS taken
  FOR EACH STATEMENT EXECUTE FUNCTION core.move_page_types();
