-- name: abandonment
-- purpose: Per queue, the share of entries whose caller hung up before an agent accepted: abandoned / (answered + abandoned), or / all offered. An entry is abandoned if the session ended as `USER ABANDONED` in it; the time to that runs to the session's end. Entries of open conversations are left out and counted apart; contacts abandoned before any queue too.
-- param: from date none First day on which sessions began, in the time zone
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of days
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- param: queue text none One queue, by id or name
-- param: short_abandon_seconds integer 0 Entries abandoned sooner than this are left out, of the denominator too
-- param: denominator answered_abandoned|offered answered_abandoned What abandoned entries are divided by: those answered or abandoned, or all offered
-- column: queue_id Queue; null for contacts abandoned before any queue, and for entries without one
-- column: queue_name Its name
-- column: abandoned Entries abandoned, short ones left out: the numerator
-- column: counted Entries that count: the denominator
-- column: abandonment abandoned / counted
-- column: offered All entries, of conversations that are not open: the sum of the seven that follow
-- column: answered Answered by the entry's own agent
-- column: answered_after_reassignment Answered by a reassigned agent
-- column: abandoned_in_all Abandoned, short ones included
-- column: callback Callback chosen
-- column: moved_on Another entry followed
-- column: voicemail Voicemail left
-- column: unserved None of these
-- column: short_abandoned Abandoned sooner than short_abandon_seconds
-- column: timed Of abandoned, those whose time is known
-- column: abandon_seconds Sum of their times, from entering the queue to the session's end
-- column: mean_abandon_seconds abandon_seconds / timed
-- column: open Entries of conversations still open
-- column: abandoned_before_queue Contacts abandoned before any queue: in none of the numbers before
WITH entries AS (
  SELECT
    account_id, session_date, channel, session_start_time, is_side_session, is_dated,
    queue_id, queue_name, abandon_seconds,
    CASE WHEN is_open THEN 'open' ELSE outcome END AS outcome
  FROM queue_entries
  UNION ALL
  SELECT
    account_id, session_date, channel, session_start_time, is_side_session, is_dated,
    CAST(NULL AS STRING) AS queue_id,
    CAST(NULL AS STRING) AS queue_name,
    CAST(NULL AS DOUBLE) AS abandon_seconds,
    outcome
  FROM contacts
  WHERE outcome = 'abandoned before queue'
),
chosen AS (
  SELECT
    queue_id, queue_name, outcome, abandon_seconds,
    outcome = 'abandoned'
      AND coalesce(abandon_seconds < CAST($short_abandon_seconds AS DOUBLE), false) AS is_short,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local_start
  FROM entries
  WHERE NOT is_side_session AND is_dated
    AND ($account IS NULL OR account_id = $account)
    AND ($channel IS NULL OR channel = $channel)
    AND ($queue IS NULL OR queue_id = $queue OR queue_name = $queue)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE) - INTERVAL '1' DAY)
    AND (CAST($to AS DATE) IS NULL OR session_date <= CAST($to AS DATE) + INTERVAL '1' DAY)
),
summed AS (
  SELECT
    queue_id, queue_name,
    count(*) FILTER (WHERE outcome = 'abandoned' AND NOT is_short) AS abandoned,
    count(*) FILTER (WHERE outcome <> 'open' AND outcome <> 'abandoned before queue') AS offered,
    count(*) FILTER (WHERE outcome = 'answered') AS answered,
    count(*) FILTER (WHERE outcome = 'answered after reassignment') AS answered_after_reassignment,
    count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned_in_all,
    count(*) FILTER (WHERE outcome = 'callback') AS callback,
    count(*) FILTER (WHERE outcome = 'moved on') AS moved_on,
    count(*) FILTER (WHERE outcome = 'voicemail') AS voicemail,
    count(*) FILTER (WHERE outcome = 'unserved') AS unserved,
    count(*) FILTER (WHERE is_short) AS short_abandoned,
    count(*) FILTER (WHERE outcome = 'abandoned' AND NOT is_short AND abandon_seconds IS NOT NULL) AS timed,
    sum(CASE WHEN outcome = 'abandoned' AND NOT is_short THEN abandon_seconds END) AS abandon_seconds,
    count(*) FILTER (WHERE outcome = 'open') AS open,
    count(*) FILTER (WHERE outcome = 'abandoned before queue') AS abandoned_before_queue
  FROM chosen
  WHERE (CAST($from AS DATE) IS NULL OR CAST(local_start AS DATE) >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR CAST(local_start AS DATE) < CAST($to AS DATE))
  GROUP BY queue_id, queue_name
),
counted AS (
  SELECT
    *,
    CASE
      WHEN $denominator = 'offered' THEN offered - short_abandoned
      ELSE answered + answered_after_reassignment + abandoned
    END AS counted
  FROM summed
)
SELECT
  queue_id, queue_name,
  abandoned, counted, CAST(abandoned AS DOUBLE) / nullif(counted, 0) AS abandonment,
  offered, answered, answered_after_reassignment, abandoned_in_all, callback, moved_on, voicemail, unserved,
  short_abandoned, timed, abandon_seconds, abandon_seconds / nullif(timed, 0) AS mean_abandon_seconds,
  open, abandoned_before_queue
FROM counted
ORDER BY queue_name NULLS FIRST, queue_id NULLS FIRST
