-- Where the event of a bad one was appended to the log again; NULL: nowhere yet.
ALTER TABLE public.bad_events ADD COLUMN redriven_part int, ADD COLUMN redriven_offset bigint;
