-- Which log a topic stands for, and how many times that was counted from its beginning:
-- a log that was made anew is the next generation of its name. The embedded log has one
-- name, whatever its own id is.
ALTER TABLE core.topics ADD COLUMN log text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN generation int NOT NULL DEFAULT 1;
UPDATE core.topics SET log = topic;
UPDATE core.topics t SET log = 'embedded', generation = n.generation
  FROM (SELECT topic, row_number() OVER (ORDER BY topic_no) AS generation FROM core.topics
         WHERE topic ~ '-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$') n
 WHERE t.topic = n.topic;
CREATE UNIQUE INDEX topics_by_log ON core.topics (log, generation);
CREATE VIEW core.current_topics AS
  SELECT DISTINCT ON (log) log, generation, topic, topic_no FROM core.topics
   ORDER BY log, generation DESC;

-- The log that the progress belongs to (empty: not known yet), and a record of it that
-- was applied: offset (-1: none) and hash.
ALTER TABLE public.partition_progress ADD COLUMN log_id text NOT NULL DEFAULT '',
  ADD COLUMN mark_offset bigint NOT NULL DEFAULT -1,
  ADD COLUMN mark_hash bigint NOT NULL DEFAULT 0;
UPDATE public.partition_progress SET log_id = 'log=' || topic
 WHERE topic IN (SELECT topic FROM core.topics WHERE log = 'embedded');
