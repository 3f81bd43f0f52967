-- name: service_level
-- purpose: Per queue and interval, the share of queue entries answered within the threshold: answered within it / (answered + abandoned). Wait runs from entering the queue to acceptance, by a reassigned agent too. Every other outcome stands beside; entries of open conversations are left out and counted apart.
-- param: from date none First day on which sessions began, in the time zone
-- param: to date none Day after the last; later entries of sessions begun before it are kept
-- param: time_zone zone UTC Zone of days and intervals
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- param: queue text none One queue, by id or name
-- param: interval 15m|30m|60m|day|weekday_hour day Length of an interval, by enter time
-- param: threshold_seconds integer 20 Longest wait that meets the level
-- param: short_abandon_seconds integer 0 Entries abandoned sooner than this are left out
-- param: abandons count|exclude|met_within_threshold count Whether abandoned entries count against the level, not at all, or as met when abandoned within the threshold
-- param: callbacks exclude|include exclude Whether callbacks count too: as answered with their wait, else as not met
-- param: target share 0.8 Service level that is to be reached
-- column: interval_start Start of the interval, local time; null with weekday_hour
-- column: utc_offset_minutes Offset of the local time from UTC; null with day and weekday_hour
-- column: weekday 1 = Monday to 7 = Sunday; only with weekday_hour
-- column: hour 0 to 23, local; only with weekday_hour
-- column: queue_id Queue
-- column: queue_name Its name
-- column: met Entries that meet the level: the numerator
-- column: counted Entries that count: the denominator
-- column: service_level met / counted
-- column: meets_target Whether service_level reaches the target; null where nothing counted
-- column: offered All entries, the sum of the outcomes that follow
-- column: answered Answered by the entry's own agent
-- column: answered_after_reassignment Answered by a reassigned agent
-- column: abandoned Abandoned, short ones included
-- column: callback Callback chosen
-- column: moved_on Another entry followed
-- column: voicemail Voicemail left
-- column: unserved None of these
-- column: open Entries of conversations still open
-- column: answered_within_threshold Answered, either way, within the threshold
-- column: short_abandoned Abandoned sooner than short_abandon_seconds
-- column: abandoned_within_threshold Abandoned within the threshold, short ones left out
-- column: no_enter_time Entries without an enter time: their wait is unknown, their interval that of the session's start
WITH chosen AS (
  SELECT
    queue_id, queue_name, enter_time, accepted_time, wait_seconds, abandon_seconds,
    CASE WHEN is_open THEN 'open' ELSE outcome END AS outcome,
    coalesce(enter_time, session_start_time) AS moment,
    local_time(coalesce(enter_time, session_start_time), CAST($time_zone AS STRING)) AS local,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local_start
  FROM queue_entries
  WHERE NOT is_side_session AND is_dated
    AND ($account IS NULL OR account_id = $account)
    AND ($channel IS NULL OR channel = $channel)
    AND ($queue IS NULL OR queue_id = $queue OR queue_name = $queue)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE) - INTERVAL '1' DAY)
    AND (CAST($to AS DATE) IS NULL OR session_date <= CAST($to AS DATE) + INTERVAL '1' DAY)
),
placed AS (
  SELECT
    CASE
      WHEN $interval = '15m' THEN bucket(local, 15)
      WHEN $interval = '30m' THEN bucket(local, 30)
      WHEN $interval = '60m' THEN bucket(local, 60)
      WHEN $interval = 'day' THEN bucket(local, 1440)
    END AS interval_start,
    CASE
      WHEN $interval = '15m' OR $interval = '30m' OR $interval = '60m'
        THEN CAST(floor(seconds_between(moment, local) / 60) AS INT)
    END AS utc_offset_minutes,
    CASE WHEN $interval = 'weekday_hour' THEN iso_weekday(local) END AS weekday,
    CASE WHEN $interval = 'weekday_hour' THEN CAST(extract(HOUR FROM local) AS INT) END AS hour,
    queue_id, queue_name, outcome, enter_time,
    outcome = 'answered' OR outcome = 'answered after reassignment' AS is_answered,
    coalesce(wait_seconds <= CAST($threshold_seconds AS DOUBLE), false) AS is_within,
    outcome = 'abandoned'
      AND coalesce(abandon_seconds < CAST($short_abandon_seconds AS DOUBLE), false) AS is_short,
    coalesce(abandon_seconds <= CAST($threshold_seconds AS DOUBLE), false) AS is_abandoned_within
  FROM chosen
  WHERE (CAST($from AS DATE) IS NULL OR CAST(local_start AS DATE) >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR CAST(local_start AS DATE) < CAST($to AS DATE))
),
judged AS (
  SELECT
    interval_start, utc_offset_minutes, weekday, hour, queue_id, queue_name, outcome, enter_time,
    is_answered, is_within, is_short, is_abandoned_within,
    is_answered
      OR (outcome = 'abandoned' AND NOT is_short AND $abandons <> 'exclude')
      OR (outcome = 'callback' AND $callbacks = 'include') AS is_counted,
    (is_answered AND is_within)
      OR (outcome = 'abandoned' AND NOT is_short AND is_abandoned_within AND $abandons = 'met_within_threshold')
      OR (outcome = 'callback' AND is_within AND $callbacks = 'include') AS is_met
  FROM placed
),
summed AS (
  SELECT
    interval_start, utc_offset_minutes, weekday, hour, queue_id, queue_name,
    count(*) FILTER (WHERE is_met) AS met,
    count(*) FILTER (WHERE is_counted) AS counted,
    count(*) AS offered,
    count(*) FILTER (WHERE outcome = 'answered') AS answered,
    count(*) FILTER (WHERE outcome = 'answered after reassignment') AS answered_after_reassignment,
    count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned,
    count(*) FILTER (WHERE outcome = 'callback') AS callback,
    count(*) FILTER (WHERE outcome = 'moved on') AS moved_on,
    count(*) FILTER (WHERE outcome = 'voicemail') AS voicemail,
    count(*) FILTER (WHERE outcome = 'unserved') AS unserved,
    count(*) FILTER (WHERE outcome = 'open') AS open,
    count(*) FILTER (WHERE is_answered AND is_within) AS answered_within_threshold,
    count(*) FILTER (WHERE is_short) AS short_abandoned,
    count(*) FILTER (WHERE outcome = 'abandoned' AND NOT is_short AND is_abandoned_within) AS abandoned_within_threshold,
    count(*) FILTER (WHERE enter_time IS NULL) AS no_enter_time
  FROM judged
  GROUP BY interval_start, utc_offset_minutes, weekday, hour, queue_id, queue_name
)
SELECT
  interval_start, utc_offset_minutes, weekday, hour, queue_id, queue_name,
  met, counted, CAST(met AS DOUBLE) / nullif(counted, 0) AS service_level,
  CAST(met AS DOUBLE) / nullif(counted, 0) >= CAST($target AS DOUBLE) AS meets_target,
  offered, answered, answered_after_reassignment, abandoned, callback, moved_on, voicemail, unserved, open,
  answered_within_threshold, short_abandoned, abandoned_within_threshold, no_enter_time
FROM summed
ORDER BY
  interval_start NULLS FIRST, utc_offset_minutes DESC NULLS FIRST, weekday NULLS FIRST, hour NULLS FIRST,
  queue_name NULLS FIRST, queue_id NULLS FIRST
