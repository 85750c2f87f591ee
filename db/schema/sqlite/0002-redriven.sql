-- Where the event of a bad one was appended to the log again; NULL: nowhere yet.
ALTER TABLE core_bad_events ADD COLUMN redriven INTEGER;  -- a position, as above

DROP VIEW bad_events;
CREATE VIEW bad_events AS
  SELECT t.topic, b.position >> 48 & 1023 AS part, b.position & 281474976710655 AS log_offset,
         strftime('%Y-%m-%dT%H:%M:%S', b.time_us / 1000000, 'unixepoch')
           || printf('.%06dZ', b.time_us % 1000000) AS log_time,
         b.reason, b.raw, b.redriven >> 48 & 1023 AS redriven_part,
         b.redriven & 281474976710655 AS redriven_offset
    FROM core_bad_events b
    LEFT JOIN core_topics t ON t.topic_no = b.position >> 58;
