-- name: data_quality
-- purpose: What of the lake is not as it should be, by day and kind. `missing`: time that no read covered, between the first and the last that was read of a stream. `owed`: time whose last read was not whole; the next load tries it again. `open`: rows still open, which loads read again. `undated`: rows whose start is missing or a day or more off their day: no other report counts them. `flag`: rows that the loader flagged. `extra` and `extra, empty text`: values kept in extra since no column takes them, by path. `reject`: records that could not be a row; they have no day and stand there whatever from and to. Side sessions are in it, as all rows are.
-- param: from date none First day of the lake, which are UTC days
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of begins and ends
-- param: account text none One account
-- column: account_id Account
-- column: session_date Day of the lake, UTC; null for rejects
-- column: kind missing, owed, open, undated, flag, extra, `extra, empty text` or reject
-- column: detail The stream (missing, owed), status (open), flag, path (extra) or reason (reject)
-- column: count Rows, values or records; null for missing and owed
-- column: seconds Seconds of the day that are missing or owed; else null
-- column: begins First moment missing or owed, or at which such a row began or such a record was read, local time; null for extra
-- column: ends Last moment missing or owed, or at which such a row began or such a record was read, local time; null for extra
WITH reads AS (
  SELECT
    account_id, coalesce(stream_id, '') AS stream_id, window_from, window_to, read_at,
    -- What was closed by hand counts as read, though nothing proves it.
    CASE WHEN whole OR evidence_kind = 'accepted' THEN 1 ELSE 0 END AS is_whole
  FROM windows
  WHERE covers AND window_from < window_to
    AND ($account IS NULL OR account_id = $account)
),
-- Between two neighbouring ends of windows all is alike: `wholes` windows were read whole there, `failures` not.
ends_of_reads AS (
  SELECT account_id, stream_id, window_from AS moment, is_whole, 1 AS step FROM reads
  UNION ALL
  SELECT account_id, stream_id, window_to AS moment, is_whole, -1 AS step FROM reads
),
steps AS (
  SELECT
    account_id, stream_id, moment,
    sum(CASE WHEN is_whole = 1 THEN step ELSE 0 END) AS wholes,
    sum(CASE WHEN is_whole = 1 THEN 0 ELSE step END) AS failures
  FROM ends_of_reads
  GROUP BY account_id, stream_id, moment
),
stretches AS (
  SELECT
    account_id, stream_id, moment AS begins,
    lead(moment) OVER (PARTITION BY account_id, stream_id ORDER BY moment NULLS LAST) AS ends,
    sum(wholes) OVER (
      PARTITION BY account_id, stream_id ORDER BY moment NULLS LAST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS wholes,
    sum(failures) OVER (
      PARTITION BY account_id, stream_id ORDER BY moment NULLS LAST
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS failures
  FROM steps
),
-- Owed is what failed when it was last read, be it that it was read whole before.
tried AS (
  SELECT
    s.account_id, s.stream_id, s.begins, s.ends,
    max(CASE WHEN r.is_whole = 1 THEN r.read_at END) AS read_whole_at,
    max(CASE WHEN r.is_whole = 0 THEN r.read_at END) AS failed_at
  FROM (SELECT account_id, stream_id, begins, ends FROM stretches WHERE failures > 0 AND ends IS NOT NULL) AS s
  JOIN reads AS r
    ON s.account_id = r.account_id AND s.stream_id = r.stream_id
    AND r.window_from <= s.begins AND r.window_to >= s.ends
  GROUP BY s.account_id, s.stream_id, s.begins, s.ends
),
lacking AS (
  SELECT account_id, stream_id, 'missing' AS kind, begins, ends
  FROM stretches
  WHERE wholes = 0 AND failures = 0 AND ends IS NOT NULL
  UNION ALL
  SELECT account_id, stream_id, 'owed' AS kind, begins, ends
  FROM tried
  WHERE read_whole_at IS NULL OR failed_at > read_whole_at
),
digits AS (
  SELECT digit FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS ten (digit)
),
numbers AS (
  SELECT a.digit + 10 * b.digit + 100 * c.digit + 1000 * d.digit AS number
  FROM digits AS a CROSS JOIN digits AS b CROSS JOIN digits AS c CROSS JOIN digits AS d
),
lacking_by_day AS (
  SELECT
    account_id, stream_id, kind, begins, ends,
    CAST(begins AS DATE) + CAST(number AS INT) AS session_date
  FROM lacking
  JOIN numbers
    ON number <= seconds_between(begins, ends) / 86400 + 1
),
lacking_seconds AS (
  SELECT
    account_id, session_date, kind, nullif(stream_id, '') AS detail,
    greatest(seconds_between(session_date, begins), CAST(0 AS DOUBLE)) AS from_second,
    least(seconds_between(session_date, ends), CAST(86400 AS DOUBLE)) AS to_second,
    begins, ends
  FROM lacking_by_day
  WHERE seconds_between(session_date, ends) > 0
),
found AS (
  SELECT
    account_id, session_date, kind, detail, CAST(NULL AS BIGINT) AS count, sum(to_second - from_second) AS seconds,
    min(begins) AS begins, max(ends) AS ends
  FROM lacking_seconds
  GROUP BY account_id, session_date, kind, detail
  UNION ALL
  SELECT
    account_id, session_date, 'open' AS kind, final_status AS detail, count(*) AS count,
    CAST(NULL AS DOUBLE) AS seconds, min(session_start_time) AS begins, max(session_start_time) AS ends
  FROM _sessions
  WHERE is_open
    AND ($account IS NULL OR account_id = $account)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR session_date < CAST($to AS DATE))
  GROUP BY account_id, session_date, final_status
  UNION ALL
  SELECT
    account_id, session_date, 'undated' AS kind, CAST(NULL AS STRING) AS detail, count(*) AS count,
    CAST(NULL AS DOUBLE) AS seconds, min(session_start_time) AS begins, max(session_start_time) AS ends
  FROM _sessions
  WHERE NOT is_dated
    AND ($account IS NULL OR account_id = $account)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR session_date < CAST($to AS DATE))
  GROUP BY account_id, session_date
  UNION ALL
  SELECT
    account_id, session_date, 'flag' AS kind, flag AS detail, count(*) AS count,
    CAST(NULL AS DOUBLE) AS seconds, min(session_start_time) AS begins, max(session_start_time) AS ends
  FROM row_flags
  WHERE ($account IS NULL OR account_id = $account)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR session_date < CAST($to AS DATE))
  GROUP BY account_id, session_date, flag
  UNION ALL
  SELECT
    account_id, session_date, CASE WHEN kind = 'empty text' THEN 'extra, empty text' ELSE 'extra' END AS kind,
    path AS detail, CAST(sum(count) AS BIGINT) AS count, CAST(NULL AS DOUBLE) AS seconds,
    CAST(NULL AS TIMESTAMP) AS begins, CAST(NULL AS TIMESTAMP) AS ends
  FROM extra_values
  WHERE ($account IS NULL OR account_id = $account)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR session_date < CAST($to AS DATE))
  GROUP BY account_id, session_date, CASE WHEN kind = 'empty text' THEN 'extra, empty text' ELSE 'extra' END, path
  UNION ALL
  SELECT
    account_id, CAST(NULL AS DATE) AS session_date, 'reject' AS kind, reason AS detail, count(*) AS count,
    CAST(NULL AS DOUBLE) AS seconds, min(fetched_at) AS begins, max(fetched_at) AS ends
  FROM rejects
  GROUP BY account_id, reason
)
SELECT
  account_id, session_date, kind, detail, count, seconds,
  local_time(begins, CAST($time_zone AS STRING)) AS begins,
  local_time(ends, CAST($time_zone AS STRING)) AS ends
FROM found
-- The same stands above too, where it keeps days from being read at all.
WHERE ($account IS NULL OR account_id = $account)
  AND (session_date IS NULL OR CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE))
  AND (session_date IS NULL OR CAST($to AS DATE) IS NULL OR session_date < CAST($to AS DATE))
ORDER BY account_id NULLS FIRST, session_date NULLS FIRST, kind NULLS FIRST, detail NULLS FIRST
