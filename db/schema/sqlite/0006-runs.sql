-- Ids stand in runs: sorted files beside this one, which can be made again from the rows. Up to
-- the positions of core_id_progress they are complete; those of newer rows are in memory alone.
DROP TABLE core_event_ids;
DROP TABLE core_event_id_clashes;
DELETE FROM core_id_progress;

CREATE TABLE core_runs (
  of TEXT NOT NULL,            -- which index: ids
  number INTEGER NOT NULL,     -- of the file: OF-NUMBER.run, in hex
  level INTEGER NOT NULL,      -- how often four became one
  entries INTEGER NOT NULL,
  checksum INTEGER NOT NULL,   -- of the header
  PRIMARY KEY (of, number)) STRICT, WITHOUT ROWID;
