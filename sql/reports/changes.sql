-- name: changes
-- purpose: What each read of a day changed in the lake, by day, run and commit: rows that were new, changed, unchanged, given up for a conversation of their session, or no longer returned (these stay). The first read of a day brings what there is, later ones what came late: surveys, dispositions, open conversations that ended. By the ledger; a lake without one has no rows.
-- param: from date none First day of the lake, which are UTC days
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of committed_at
-- param: account text none One account
-- column: account_id Account
-- column: session_date Day of the lake, UTC
-- column: read_number 1 for the day's first commit
-- column: run_id Run
-- column: commit Which commit of the run, from 1
-- column: command What the run was: load, replay, demo or migrate
-- column: stream_id Stream it asked; null for a replay of pages that name none
-- column: committed_at When, local time
-- column: written Whether the day was replaced
-- column: rows_new Keys that were not in the lake
-- column: rows_changed Keys whose row was replaced
-- column: rows_unchanged Keys whose row stayed
-- column: rows_superseded Sessions without a conversation that gave way to one with it
-- column: rows_not_returned Rows of the stream in what was read that did not come again; they stay
-- column: rows_moved_out Rows whose key moved to another day
-- column: rows_after Rows of the day after the commit
WITH commits AS (
  SELECT
    account_id, session_date, run_id, commit, committed_at, written,
    rows_new, rows_changed, rows_unchanged, rows_superseded, rows_not_returned, rows_moved_out, rows AS rows_after,
    CAST(
      row_number() OVER (
        PARTITION BY account_id, session_date
        ORDER BY committed_at NULLS FIRST, run_id NULLS FIRST, commit NULLS FIRST
      ) AS BIGINT
    ) AS read_number
  FROM days
  WHERE ($account IS NULL OR account_id = $account)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR session_date < CAST($to AS DATE))
)
SELECT
  d.account_id, d.session_date, d.read_number, d.run_id, d.commit, r.command, r.stream_id,
  local_time(d.committed_at, CAST($time_zone AS STRING)) AS committed_at, d.written,
  d.rows_new, d.rows_changed, d.rows_unchanged, d.rows_superseded, d.rows_not_returned, d.rows_moved_out, d.rows_after
FROM commits AS d
LEFT JOIN runs AS r
  ON d.account_id = r.account_id AND d.run_id = r.run_id
ORDER BY d.account_id NULLS FIRST, d.session_date NULLS FIRST, d.read_number NULLS FIRST
