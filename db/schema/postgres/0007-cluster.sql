-- Nodes that share the partitions of a log: each renews its lease in its row, by one statement
-- twice a second; room in the page keeps those updates off the index. Times are of this server.
CREATE SEQUENCE core.incarnations; -- The numbers of processes.
CREATE TABLE public.cluster_nodes (
  name text COLLATE "C" PRIMARY KEY,
  incarnation bigint NOT NULL,
  beat bigint NOT NULL,              -- The number of its last beat.
  seen_at timestamptz NOT NULL,      -- When that came.
  expires_at timestamptz NOT NULL,   -- When the lease ends that it renewed.
  draining boolean NOT NULL,
  log_reach int NOT NULL,            -- 0: reads the event log; 1: cannot; 2: has given up on it
  backend_pid int NOT NULL,          -- The session that the last beat came by.
  backend_started timestamptz NOT NULL,
  roles text NOT NULL,               -- Separated by commas.
  address text NOT NULL,
  version text NOT NULL) WITH (fillfactor = 20);

-- NULL: nobody's, or of one who claims without a lease. Else the partition is free when no
-- node of this name and incarnation has a lease that runs.
ALTER TABLE public.partition_progress ADD COLUMN owner text COLLATE "C",
  ADD COLUMN incarnation bigint;
