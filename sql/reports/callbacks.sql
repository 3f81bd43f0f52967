-- name: callbacks
-- purpose: Callbacks by queue: how many callers chose one instead of waiting, how many of these took the call when it came (accepted / opted), and how long that took from the choice: mean, nearest-rank percentiles, longest. Entries of open conversations are left out and counted apart.
-- param: from date none First day on which sessions began, in the time zone
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of days
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- param: queue text none One queue, by id or name
-- column: queue_id Queue
-- column: queue_name Its name
-- column: opted Entries whose caller chose a callback: the denominator
-- column: accepted Of these, callbacks that the caller took: the numerator
-- column: accepted_share accepted / opted
-- column: initiated Of opted, callbacks that were begun
-- column: answered Of opted, those that an agent accepted
-- column: timed Of accepted, those whose time is known
-- column: accept_seconds Sum of their times, from the choice to the caller's taking the call
-- column: mean_accept_seconds accept_seconds / timed
-- column: p50_seconds Half of them took at most this long
-- column: p90_seconds Nine in ten took at most this long
-- column: p95_seconds Nineteen in twenty took at most this long
-- column: max_seconds Longest
-- column: open Callbacks of conversations still open
WITH chosen AS (
  SELECT
    queue_id, queue_name, is_open, callback_initiated_time, accepted_time, user_callback_accept_time,
    CASE WHEN NOT is_open THEN seconds_between(callback_opted_time, user_callback_accept_time) END AS seconds,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local_start
  FROM queue_entries
  WHERE NOT is_side_session AND is_dated
    AND ($account IS NULL OR account_id = $account)
    AND ($channel IS NULL OR channel = $channel)
    AND callback_opted
    AND ($queue IS NULL OR queue_id = $queue OR queue_name = $queue)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE) - INTERVAL '1' DAY)
    AND (CAST($to AS DATE) IS NULL OR session_date <= CAST($to AS DATE) + INTERVAL '1' DAY)
),
-- Times repeat, so ranks are told of them, and not of every entry: up to a time, `rank` callbacks took no longer.
grouped AS (
  SELECT
    queue_id, queue_name, seconds,
    count(seconds) AS timed,
    sum(seconds) AS accept_seconds,
    count(*) FILTER (WHERE NOT is_open) AS opted,
    count(*) FILTER (WHERE NOT is_open AND user_callback_accept_time IS NOT NULL) AS accepted,
    count(*) FILTER (WHERE NOT is_open AND callback_initiated_time IS NOT NULL) AS initiated,
    count(*) FILTER (WHERE NOT is_open AND accepted_time IS NOT NULL) AS answered,
    count(*) FILTER (WHERE is_open) AS open
  FROM chosen
  WHERE (CAST($from AS DATE) IS NULL OR CAST(local_start AS DATE) >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR CAST(local_start AS DATE) < CAST($to AS DATE))
  GROUP BY queue_id, queue_name, seconds
),
ranked AS (
  SELECT
    queue_id, queue_name, seconds, timed, accept_seconds, opted, accepted, initiated, answered, open,
    sum(timed) OVER (
      PARTITION BY queue_id, queue_name ORDER BY seconds NULLS LAST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS rank,
    sum(timed) OVER (PARTITION BY queue_id, queue_name) AS ranks
  FROM grouped
),
summed AS (
  SELECT
    queue_id, queue_name,
    CAST(sum(opted) AS BIGINT) AS opted,
    CAST(sum(accepted) AS BIGINT) AS accepted,
    CAST(sum(initiated) AS BIGINT) AS initiated,
    CAST(sum(answered) AS BIGINT) AS answered,
    CAST(sum(timed) AS BIGINT) AS timed,
    sum(accept_seconds) AS accept_seconds,
    min(CASE WHEN rank * 100 >= ranks * 50 THEN seconds END) AS p50_seconds,
    min(CASE WHEN rank * 100 >= ranks * 90 THEN seconds END) AS p90_seconds,
    min(CASE WHEN rank * 100 >= ranks * 95 THEN seconds END) AS p95_seconds,
    max(seconds) AS max_seconds,
    CAST(sum(open) AS BIGINT) AS open
  FROM ranked
  GROUP BY queue_id, queue_name
)
SELECT
  queue_id, queue_name,
  opted, accepted, CAST(accepted AS DOUBLE) / nullif(opted, 0) AS accepted_share, initiated, answered,
  timed, accept_seconds, accept_seconds / nullif(timed, 0) AS mean_accept_seconds,
  p50_seconds, p90_seconds, p95_seconds, max_seconds, open
FROM summed
ORDER BY queue_name NULLS FIRST, queue_id NULLS FIRST
