-- A number is of one site already. To compare the site as well offers PostgreSQL, which knows
-- nothing of tables that nobody analyzed yet, a plan that goes through all events once a page.
CREATE OR REPLACE VIEW public.click_events AS
  SELECT s.site_id,
         CASE WHEN e.event_id = '' THEN e.event_key::text ELSE e.event_id END AS event_id,
         u.user_id, y.event_type, p.page_url, e.at AS time_stamp, e.received_at,
         t.topic, (e.position >> 48 & 1023)::int AS part,
         e.position & 281474976710655 AS log_offset
    FROM core.events e
    JOIN core.sites s ON s.site_no = e.site_no
    JOIN core.types y ON y.type_no = e.type_no
    JOIN core.pages p ON p.page_no = e.page_no
    JOIN core.users u ON u.user_no = e.user_no
    LEFT JOIN core.topics t ON t.topic_no = e.position >> 58;

CREATE OR REPLACE VIEW public.page_clicks AS
  SELECT u.user_id, p.page_url, c.clicks AS click_count, s.site_id
    FROM core.page_clicks c
    JOIN core.pages p USING (page_no)
    JOIN core.users u ON u.user_no = c.user_no
    JOIN core.sites s ON s.site_no = p.site_no;

CREATE OR REPLACE VIEW public.page_totals AS
  SELECT s.site_id, p.page_url, t.clicks, t.users, t.last_at
    FROM core.page_totals t
    JOIN core.pages p ON p.page_no = t.page_no
    JOIN core.sites s ON s.site_no = t.site_no;
