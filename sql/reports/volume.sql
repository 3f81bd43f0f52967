-- name: volume
-- purpose: How many contacts began in each interval, by channel and direction. Open ones are included and counted beside; side sessions are none.
-- param: from date none First day, in the time zone
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of days and intervals
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- param: interval 15m|30m|60m|day|weekday_hour day Length of an interval; weekday_hour adds all weeks up
-- column: interval_start Start of the interval, local time; null with weekday_hour
-- column: utc_offset_minutes Offset of the local time from UTC, so that the doubled hour stays two; null with day and weekday_hour
-- column: weekday 1 = Monday to 7 = Sunday; only with weekday_hour
-- column: hour 0 to 23, local; only with weekday_hour
-- column: channel Channel, as it is written in the data
-- column: contacts Contacts that began
-- column: inbound Of these, inbound
-- column: outbound Of these, outbound
-- column: other_direction Of these, of another direction
-- column: no_direction Of these, without a direction
-- column: open Of these, still open
WITH chosen AS (
  SELECT
    channel, direction, is_open, session_start_time,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local
  FROM _sessions
  WHERE NOT is_side_session AND is_dated
    AND ($account IS NULL OR account_id = $account)
    AND ($channel IS NULL OR channel = $channel)
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
        THEN CAST(floor(seconds_between(session_start_time, local) / 60) AS INT)
    END AS utc_offset_minutes,
    CASE WHEN $interval = 'weekday_hour' THEN iso_weekday(local) END AS weekday,
    CASE WHEN $interval = 'weekday_hour' THEN CAST(extract(HOUR FROM local) AS INT) END AS hour,
    channel, direction, is_open
  FROM chosen
  WHERE (CAST($from AS DATE) IS NULL OR CAST(local AS DATE) >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR CAST(local AS DATE) < CAST($to AS DATE))
)
SELECT
  interval_start, utc_offset_minutes, weekday, hour, channel,
  count(*) AS contacts,
  count(*) FILTER (WHERE direction = 'inbound') AS inbound,
  count(*) FILTER (WHERE direction = 'outbound') AS outbound,
  count(*) FILTER (WHERE direction <> 'inbound' AND direction <> 'outbound') AS other_direction,
  count(*) FILTER (WHERE direction IS NULL) AS no_direction,
  count(*) FILTER (WHERE is_open) AS open
FROM placed
GROUP BY interval_start, utc_offset_minutes, weekday, hour, channel
ORDER BY
  interval_start NULLS FIRST, utc_offset_minutes DESC NULLS FIRST, weekday NULLS FIRST, hour NULLS FIRST,
  channel NULLS FIRST
