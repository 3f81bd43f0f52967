-- name: transfers
-- purpose: Contacts that were moved after an agent had them, by channel and first queue: transferred / handled. Handled is a contact that an agent accepted; it is transferred if a second agent accepted it too, or if it entered a queue after the first acceptance. A reassignment before any acceptance is none. Consultations and transfers out of the contact centre stand apart. Open conversations are left out and counted apart.
-- param: from date none First day on which sessions began, in the time zone
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of days
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- param: queue text none Contacts whose first queue it was, by id or name
-- param: agent text none Contacts that this agent answered first, by id
-- column: channel Channel, as it is written in the data
-- column: queue_id First queue; null for contacts that came straight to an agent
-- column: queue_name Its name
-- column: handled Contacts that an agent accepted: the denominator
-- column: transferred Of these, moved at least once: the numerator
-- column: transfer_share transferred / handled
-- column: consulted Of handled, those in which an agent consulted another
-- column: consultations Their consultations
-- column: external Of handled, those transferred out of the contact centre
-- column: external_transfers Their transfers out of it
-- column: external_not_handled Contacts transferred out of it that no agent accepted: not among the handled
-- column: open Such contacts still open
WITH chosen AS (
  SELECT
    channel, first_queue_id AS queue_id, first_queue_name AS queue_name, is_open,
    is_handled AND NOT is_open AS is_counted,
    is_transferred, consultation_count, external_transfer_count,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local_start
  FROM contacts
  WHERE NOT is_side_session AND is_dated
    AND ($account IS NULL OR account_id = $account)
    AND ($channel IS NULL OR channel = $channel)
    AND (is_handled OR external_transfer_count > 0)
    AND ($queue IS NULL OR first_queue_id = $queue OR first_queue_name = $queue)
    AND ($agent IS NULL OR first_agent_id = $agent)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE) - INTERVAL '1' DAY)
    AND (CAST($to AS DATE) IS NULL OR session_date <= CAST($to AS DATE) + INTERVAL '1' DAY)
),
summed AS (
  SELECT
    channel, queue_id, queue_name,
    count(*) FILTER (WHERE is_counted) AS handled,
    count(*) FILTER (WHERE is_counted AND is_transferred) AS transferred,
    count(*) FILTER (WHERE is_counted AND consultation_count > 0) AS consulted,
    CAST(sum(CASE WHEN is_counted THEN consultation_count ELSE 0 END) AS BIGINT) AS consultations,
    count(*) FILTER (WHERE is_counted AND external_transfer_count > 0) AS external,
    CAST(sum(CASE WHEN is_counted THEN external_transfer_count ELSE 0 END) AS BIGINT) AS external_transfers,
    count(*) FILTER (WHERE NOT is_counted AND NOT is_open) AS external_not_handled,
    count(*) FILTER (WHERE is_open) AS open
  FROM chosen
  WHERE (CAST($from AS DATE) IS NULL OR CAST(local_start AS DATE) >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR CAST(local_start AS DATE) < CAST($to AS DATE))
  GROUP BY channel, queue_id, queue_name
)
SELECT
  channel, queue_id, queue_name,
  handled, transferred, CAST(transferred AS DOUBLE) / nullif(handled, 0) AS transfer_share,
  consulted, consultations, external, external_transfers, external_not_handled, open
FROM summed
ORDER BY channel NULLS FIRST, queue_name NULLS FIRST, queue_id NULLS FIRST
