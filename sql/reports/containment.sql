-- name: containment
-- purpose: Where inbound sessions ended, in four parts: completed by the bot, dropped off, handed to an agent, unknown. Not handed over is not solved: always read all four. Side sessions are none; open ones are left out and counted apart.
-- param: from date none First day, in the time zone
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of days
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- column: channel Channel, as it is written in the data
-- column: sessions Inbound sessions that are not open: the denominator
-- column: completed Bot-only, `BotResolved`
-- column: dropped_off Bot-only, any other status
-- column: handed_over With a conversation
-- column: unknown Bot-only, without a status
-- column: completed_share completed / sessions
-- column: dropped_off_share dropped_off / sessions
-- column: handed_over_share handed_over / sessions
-- column: unknown_share unknown / sessions
-- column: open Inbound sessions still open, in none of the parts
-- column: no_direction Sessions without a direction, not open: in none of the parts before
-- column: no_direction_completed Of these, completed
-- column: no_direction_dropped_off Of these, dropped off
-- column: no_direction_handed_over Of these, handed to an agent
-- column: no_direction_unknown Of these, unknown
WITH chosen AS (
  SELECT
    channel,
    direction IS NULL AS no_direction,
    CASE
      WHEN is_open THEN 'open'
      WHEN NOT is_bot_only THEN 'handed over'
      ELSE outcome
    END AS part,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local
  FROM contacts
  WHERE NOT is_side_session AND is_dated
    AND (direction = 'inbound' OR direction IS NULL)
    AND ($account IS NULL OR account_id = $account)
    AND ($channel IS NULL OR channel = $channel)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE) - INTERVAL '1' DAY)
    AND (CAST($to AS DATE) IS NULL OR session_date <= CAST($to AS DATE) + INTERVAL '1' DAY)
),
parts AS (
  SELECT
    channel,
    count(*) FILTER (WHERE NOT no_direction AND part <> 'open') AS sessions,
    count(*) FILTER (WHERE NOT no_direction AND part = 'completed') AS completed,
    count(*) FILTER (WHERE NOT no_direction AND part = 'dropped off') AS dropped_off,
    count(*) FILTER (WHERE NOT no_direction AND part = 'handed over') AS handed_over,
    count(*) FILTER (WHERE NOT no_direction AND part = 'unknown') AS unknown,
    count(*) FILTER (WHERE NOT no_direction AND part = 'open') AS open,
    count(*) FILTER (WHERE no_direction AND part <> 'open') AS no_direction,
    count(*) FILTER (WHERE no_direction AND part = 'completed') AS no_direction_completed,
    count(*) FILTER (WHERE no_direction AND part = 'dropped off') AS no_direction_dropped_off,
    count(*) FILTER (WHERE no_direction AND part = 'handed over') AS no_direction_handed_over,
    count(*) FILTER (WHERE no_direction AND part = 'unknown') AS no_direction_unknown
  FROM chosen
  WHERE (CAST($from AS DATE) IS NULL OR CAST(local AS DATE) >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR CAST(local AS DATE) < CAST($to AS DATE))
  GROUP BY channel
)
SELECT
  channel, sessions, completed, dropped_off, handed_over, unknown,
  CAST(completed AS DOUBLE) / nullif(sessions, 0) AS completed_share,
  CAST(dropped_off AS DOUBLE) / nullif(sessions, 0) AS dropped_off_share,
  CAST(handed_over AS DOUBLE) / nullif(sessions, 0) AS handed_over_share,
  CAST(unknown AS DOUBLE) / nullif(sessions, 0) AS unknown_share,
  open,
  no_direction, no_direction_completed, no_direction_dropped_off, no_direction_handed_over, no_direction_unknown
FROM parts
ORDER BY channel NULLS FIRST
