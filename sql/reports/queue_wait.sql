-- name: queue_wait
-- purpose: How long callers waited in each queue until an agent accepted: average speed of answer (sum of waits / answered), nearest-rank percentiles, longest. Callbacks stand apart; entries of open conversations are left out and counted apart.
-- param: from date none First day on which sessions began, in the time zone
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of days
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- param: queue text none One queue, by id or name
-- param: callbacks exclude|include exclude Whether the waits of answered callbacks count too
-- column: queue_id Queue
-- column: queue_name Its name
-- column: answered Entries answered whose wait is known: the denominator
-- column: wait_seconds Sum of their waits, from entering the queue to acceptance: the numerator
-- column: asa_seconds wait_seconds / answered
-- column: p50_seconds Half of them waited at most this long
-- column: p90_seconds Nine in ten waited at most this long
-- column: p95_seconds Nineteen in twenty waited at most this long
-- column: max_seconds Longest wait
-- column: answered_wait_unknown Entries answered without an enter time
-- column: callbacks Entries whose caller chose a callback
-- column: callbacks_answered Of these, accepted by an agent
-- column: callback_wait_seconds Sum of the waits of these
-- column: open Entries of conversations still open
WITH chosen AS (
  SELECT
    queue_id, queue_name, accepted_time, wait_seconds,
    CASE WHEN is_open THEN 'open' ELSE outcome END AS outcome,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local_start
  FROM queue_entries
  WHERE NOT is_side_session AND is_dated
    AND ($account IS NULL OR account_id = $account)
    AND ($channel IS NULL OR channel = $channel)
    AND ($queue IS NULL OR queue_id = $queue OR queue_name = $queue)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE) - INTERVAL '1' DAY)
    AND (CAST($to AS DATE) IS NULL OR session_date <= CAST($to AS DATE) + INTERVAL '1' DAY)
),
judged AS (
  SELECT
    queue_id, queue_name, accepted_time, wait_seconds, outcome,
    outcome = 'answered' OR outcome = 'answered after reassignment'
      OR (outcome = 'callback' AND accepted_time IS NOT NULL AND $callbacks = 'include') AS is_answered
  FROM chosen
  WHERE (CAST($from AS DATE) IS NULL OR CAST(local_start AS DATE) >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR CAST(local_start AS DATE) < CAST($to AS DATE))
),
-- Waits repeat, so ranks are told of them, and not of every entry: up to a wait, `rank` entries waited no longer.
grouped AS (
  SELECT
    queue_id, queue_name, wait,
    count(wait) AS answered,
    sum(wait) AS wait_seconds,
    count(*) FILTER (WHERE is_answered AND wait IS NULL) AS answered_wait_unknown,
    count(*) FILTER (WHERE outcome = 'callback') AS callbacks,
    count(*) FILTER (WHERE outcome = 'callback' AND accepted_time IS NOT NULL) AS callbacks_answered,
    sum(CASE WHEN outcome = 'callback' THEN wait_seconds END) AS callback_wait_seconds,
    count(*) FILTER (WHERE outcome = 'open') AS open
  FROM (
    SELECT
      queue_id, queue_name, accepted_time, wait_seconds, outcome, is_answered,
      CASE WHEN is_answered THEN wait_seconds END AS wait
    FROM judged
  ) AS timed
  GROUP BY queue_id, queue_name, wait
),
ranked AS (
  SELECT
    queue_id, queue_name, wait, answered, wait_seconds, answered_wait_unknown,
    callbacks, callbacks_answered, callback_wait_seconds, open,
    sum(answered) OVER (
      PARTITION BY queue_id, queue_name ORDER BY wait NULLS LAST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS rank,
    sum(answered) OVER (PARTITION BY queue_id, queue_name) AS ranks
  FROM grouped
),
summed AS (
  SELECT
    queue_id, queue_name,
    CAST(sum(answered) AS BIGINT) AS answered,
    sum(wait_seconds) AS wait_seconds,
    min(CASE WHEN rank * 100 >= ranks * 50 THEN wait END) AS p50_seconds,
    min(CASE WHEN rank * 100 >= ranks * 90 THEN wait END) AS p90_seconds,
    min(CASE WHEN rank * 100 >= ranks * 95 THEN wait END) AS p95_seconds,
    max(wait) AS max_seconds,
    CAST(sum(answered_wait_unknown) AS BIGINT) AS answered_wait_unknown,
    CAST(sum(callbacks) AS BIGINT) AS callbacks,
    CAST(sum(callbacks_answered) AS BIGINT) AS callbacks_answered,
    sum(callback_wait_seconds) AS callback_wait_seconds,
    CAST(sum(open) AS BIGINT) AS open
  FROM ranked
  GROUP BY queue_id, queue_name
)
SELECT
  queue_id, queue_name,
  answered, wait_seconds, wait_seconds / nullif(answered, 0) AS asa_seconds,
  p50_seconds, p90_seconds, p95_seconds, max_seconds,
  answered_wait_unknown, callbacks, callbacks_answered, callback_wait_seconds, open
FROM summed
ORDER BY queue_name NULLS FIRST, queue_id NULLS FIRST
