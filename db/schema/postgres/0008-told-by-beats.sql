-- What every node is to hear of a partition with its beats, beside whose it is.
ALTER TABLE public.partition_progress
  ADD COLUMN strays bigint NOT NULL DEFAULT 0, -- Applies with clicks of other partitions' pages.
  ADD COLUMN stopped_kind int,                 -- NULL: it is not stopped.
  ADD COLUMN stopped_why text,
  ADD COLUMN stopped_at timestamptz,
  ADD COLUMN stopped_offset bigint;            -- next_offset then; if it has moved, it runs.
