-- The embedded event log.

-- What was fixed when the log was made: topic, partitions.
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value ANY NOT NULL) STRICT, WITHOUT ROWID;

-- All records of one partition that one commit took, in order.
CREATE TABLE blocks (
  id INTEGER PRIMARY KEY,    -- partition << 48 | offset of the first record
  count INTEGER NOT NULL,    -- records
  time_us INTEGER NOT NULL,  -- when the log took them, UTC
  bytes BLOB NOT NULL) STRICT;  -- CRC-32 and length-prefixed records

-- Where a partition goes on when none of its blocks is left.
CREATE TABLE ends (
  partition INTEGER PRIMARY KEY,
  next_offset INTEGER NOT NULL) STRICT;
