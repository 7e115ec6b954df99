-- The most frequent sequences of events, from an event or from the beginning of a session.
--
-- FROM paths(january, 'App Open', depth := 4) LIMIT 20
--
-- A path begins with the first event of that name in the days asked for, once for each user, and goes on with
-- whatever they did next, however late, for thirty days and also after the last day; one that is shorter than depth
-- has ended. counting := 'total' begins a path with each event of that name; 'session' with the first in each
-- session, and ends it with the session: see the report sessions. That is also what is counted where no event is
-- given. Where a user does the event again, the path ends, too: that is a choice, Mixpanel does not say. Events of
-- the same second, whose order an export does not tell, are taken in the order of their names. Events without
-- distinct_id, or with an empty one, belong to nobody and are left out, as are those without a time.
--
-- Mixpanel shows the like in its flows reports, as top paths: the fifty most frequent.
CREATE OR REPLACE MACRO paths(
  events,               -- a table, a view or a CTE with columns as those of an export
  from_event := NULL,   -- the event to begin with; the first of each session unless given
  depth := 4,           -- the most events in a path, from that one on
  gap := NULL,          -- the longest pause within a path; any unless given, 30 minutes in sessions
  counting := NULL,     -- 'unique' from a user's first, 'session' from a session's first, 'total' from every one
  within := '30 days',  -- time for all of a path, from the event that it begins with
  before := 0,          -- the most events to tell of that came before that one
  hidden := [],         -- names of events that are passed over
  collapse := false,    -- whether the same event several times in a row is one step
  from_date := NULL,    -- first day on which paths begin; that of the table unless given
  to_date := NULL,      -- last day on which paths begin; that of the table unless given
  timezone := NULL      -- whose days they are, such as 'America/New_York'; those of event_time (UTC) unless given
) AS TABLE
WITH given AS NOT MATERIALIZED (
  SELECT
    -- The clock of the project, for days and weeks; pauses and windows are counted in real time, by event_time.
    CASE
      WHEN timezone IS NULL THEN make_timestamp(epoch_us(event_time))
      ELSE timezone(timezone, make_timestamptz(epoch_us(event_time)))
    END AS local_time,
    * REPLACE (
      -- In UTC, whatever its type: a day of TIMESTAMPTZ has 23 hours where the clocks of DuckDB's TimeZone change.
      make_timestamp(epoch_us(event_time)) AS event_time,
      -- Events without distinct_id, or with an empty one, belong to nobody.
      nullif(distinct_id::VARCHAR, '') AS distinct_id
    )
  FROM query_table(events)
), span AS (
  SELECT
    coalesce(from_date::DATE, min(local_time)::DATE) AS first_day,
    coalesce(to_date::DATE, max(local_time)::DATE) AS last_day
  FROM given
), outside AS (
  -- Events that are in no session: what Mixpanel writes down itself, and whatever else is to be hidden.
  SELECT unnest([
    '$identify', '$create_alias', '$merge', '$hotshard_events', '$campaign_delivery', '$campaign_bounced',
    '$campaign_marked_spam', '$message_suppressed', '$unsubscribe', '$journey_entered', '$mp_session_record'
  ] || hidden::VARCHAR[]) AS event_name
), limits AS (
  SELECT
    CASE
      WHEN counting IS NULL THEN if(from_event IS NULL, 'session', 'unique')
      WHEN counting IN ('unique', 'session', 'total') THEN counting
      ELSE error('counting must be unique, session or total')
    END AS counted,
    counting = 'session' OR from_event IS NULL AS in_sessions,
    CASE
      WHEN regexp_full_match(gap::VARCHAR, '[-0-9. ]+') THEN error('gap has no unit: write INTERVAL 30 MINUTES')
      WHEN regexp_full_match(within::VARCHAR, '[-0-9. ]+') THEN error('within has no unit: write INTERVAL 30 DAYS')
      WHEN gap::INTERVAL < INTERVAL 0 DAYS THEN error('gap must be a time such as INTERVAL 30 MINUTES')
      WHEN coalesce(within::INTERVAL < INTERVAL 0 DAYS, true)
        THEN error('within must be a time such as INTERVAL 30 DAYS')
      ELSE within::INTERVAL
    END AS longest_path,
    if(depth > 0, depth, error('depth must be at least 1')) AS most_events
), acts AS (
  -- What users did, without what is hidden. No path goes on over a cut: a long pause, or the end of a session.
  SELECT
    distinct_id,
    event_name,
    event_time,
    row_number() OVER in_order AS nth,
    local_time >= first_day AND local_time < last_day + INTERVAL 1 DAY AS is_asked_for,
    -- Whether sessions count is written out: DuckDB sees that it is constant, and leaves windows out.
    coalesce(
      nth = 1
      OR event_time - lag(event_time) OVER in_order
        > if(counting IS NOT DISTINCT FROM 'session' OR from_event IS NULL, coalesce(gap, '30 minutes'), gap)::INTERVAL
      OR (counting IS NOT DISTINCT FROM 'session' OR from_event IS NULL)
        AND local_time::DATE <> (lag(local_time) OVER in_order)::DATE, false) AS is_cut,
    -- The first of the days that are asked for is kept, though it may repeat one before them.
    collapse AND NOT is_cut AND event_name = lag(event_name) OVER in_order
      AND (local_time < first_day OR lag(local_time) OVER in_order >= first_day) AS is_repeat,
    is_cut OR (event_name = from_event AND NOT is_repeat) AS begins
  FROM given, span, limits
  WHERE distinct_id IS NOT NULL AND event_time IS NOT NULL AND event_name NOT IN (
    SELECT event_name FROM outside, limits WHERE in_sessions OR list_contains(hidden::VARCHAR[], event_name)
  )
  WINDOW in_order AS (PARTITION BY distinct_id ORDER BY event_time, event_name)
), pieces AS (
  -- Each piece is from one beginning to the next, and has the number of its first event; a part, from one cut to the
  -- next, may have several. Parts are counted only where they matter: see above.
  SELECT
    *,
    if(
      counting IS NOT DISTINCT FROM 'session' OR from_event IS NULL OR before > 0,
      count(*) FILTER (is_cut) OVER so_far,
      0
    ) AS part,
    max(nth) FILTER (begins) OVER so_far AS piece,
    max(event_time) FILTER (begins) OVER so_far AS began_at
  FROM acts
  WINDOW so_far AS (PARTITION BY distinct_id ORDER BY nth)
  QUALIFY NOT is_repeat
), walks AS (
  SELECT
    distinct_id,
    part,
    piece,
    bool_or(
      begins AND is_asked_for AND (from_event IS NULL OR event_name IS NOT DISTINCT FROM from_event)
    ) AS is_path,
    -- Where repeats are left out, the numbers of events do not tell how many there are.
    list(event_name ORDER BY nth) FILTER (
      event_time <= began_at + longest_path AND (collapse OR nth < piece + most_events)
    ) AS names,
    list(event_name ORDER BY nth) FILTER (before > 0 AND event_name <> from_event) AS others
  FROM pieces, limits
  GROUP BY distinct_id, part, piece
), ways AS (
  SELECT
    distinct_id,
    CASE
      WHEN before < 0 THEN error('before must be 0 or more')
      WHEN before > 0 THEN coalesce(lag(others) OVER (PARTITION BY distinct_id, part ORDER BY piece)[-before:], [])
      ELSE []
    END AS led,
    names[:most_events] AS path
  FROM walks, limits
  QUALIFY is_path AND (counted = 'total' OR row_number() OVER (
    PARTITION BY distinct_id, is_path, if(counted = 'session', part, 0) ORDER BY piece
  ) = 1)
)
SELECT
  led || path AS path,                       -- names of the events, in order
  count(*) AS count,                         -- how often somebody did this
  count(DISTINCT distinct_id) AS users,      -- how many users did
  count(*) / sum(count(*)) OVER () AS share  -- fraction of all paths
FROM ways
GROUP BY ALL
ORDER BY count DESC, path;
