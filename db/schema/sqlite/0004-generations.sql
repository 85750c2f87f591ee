-- Which log a topic stands for, and how many times that was counted from its beginning:
-- a log that was made anew is the next generation of its name. The embedded log has one
-- name, whatever its own id is.
ALTER TABLE core_topics ADD COLUMN log TEXT NOT NULL DEFAULT '';
ALTER TABLE core_topics ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;
UPDATE core_topics SET log = topic;
UPDATE core_topics SET log = 'embedded'
 WHERE topic GLOB '*-????????-????-4???-????-????????????';
UPDATE core_topics SET generation =
  (SELECT count(*) FROM core_topics o
    WHERE o.log = 'embedded' AND o.topic_no <= core_topics.topic_no)
 WHERE log = 'embedded';
CREATE UNIQUE INDEX core_topics_by_log ON core_topics (log, generation);

-- The log that the progress belongs to (empty: not known yet), and a record of it that
-- was applied: offset (-1: none) and hash.
ALTER TABLE partition_progress ADD COLUMN log_id TEXT NOT NULL DEFAULT '';
ALTER TABLE partition_progress ADD COLUMN mark_offset INTEGER NOT NULL DEFAULT -1;
ALTER TABLE partition_progress ADD COLUMN mark_hash INTEGER NOT NULL DEFAULT 0;
UPDATE partition_progress SET log_id = 'log=' || topic
 WHERE topic IN (SELECT topic FROM core_topics WHERE log = 'embedded');
