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
counted AS (
  SELECT
    queue_id, queue_name, accepted_time, wait_seconds, outcome, is_answered,
    is_answered AND wait_seconds IS NOT NULL AS is_counted
  FROM judged
),
ranked AS (
  SELECT
    queue_id, queue_name, accepted_time, wait_seconds, outcome, is_answered, is_counted,
    row_number() OVER (PARTITION BY queue_id, queue_name, is_counted ORDER BY wait_seconds NULLS LAST) AS rank,
    count(*) OVER (PARTITION BY queue_id, queue_name, is_counted) AS ranks
  FROM counted
),
summed AS (
  SELECT
    queue_id, queue_name,
    count(*) FILTER (WHERE is_counted) AS answered,
    sum(wait_seconds) FILTER (WHERE is_counted) AS wait_seconds,
    min(wait_seconds) FILTER (WHERE is_counted AND rank * 100 >= ranks * 50) AS p50_seconds,
    min(wait_seconds) FILTER (WHERE is_counted AND rank * 100 >= ranks * 90) AS p90_seconds,
    min(wait_seconds) FILTER (WHERE is_counted AND rank * 100 >= ranks * 95) AS p95_seconds,
    max(wait_seconds) FILTER (WHERE is_counted) AS max_seconds,
    count(*) FILTER (WHERE is_answered AND NOT is_counted) AS answered_wait_unknown,
    count(*) FILTER (WHERE outcome = 'callback') AS callbacks,
    count(*) FILTER (WHERE outcome = 'callback' AND accepted_time IS NOT NULL) AS callbacks_answered,
    sum(wait_seconds) FILTER (WHERE outcome = 'callback') AS callback_wait_seconds,
    count(*) FILTER (WHERE outcome = 'open') AS open
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
