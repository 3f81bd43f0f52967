-- name: tones
-- purpose: Tones that were detected in conversations, by first queue and first agent: how often, and how strong in the mean = sum of total levels / sum of counts. A tone belongs to the whole conversation: it is put down to its first queue and the agent who answered first. Open conversations are left out and counted apart.
-- param: from date none First day on which sessions began, in the time zone
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of days
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- param: queue text none Contacts whose first queue it was, by id or name
-- param: agent text none Contacts that this agent answered first, by id
-- column: queue_id First queue
-- column: queue_name Its name
-- column: agent_id Agent who answered first
-- column: agent_name The agent's name
-- column: tone_name Tone
-- column: contacts Contacts in which it was detected
-- column: detections How often it was detected, the sum of `count`: the denominator
-- column: total_level Sum of `totalLevel`: the numerator
-- column: mean_level total_level / detections
-- column: incomplete Tones without a count or a total level: in neither sum
-- column: open Tones of conversations still open
WITH chosen AS (
  SELECT
    first_queue_id AS queue_id, first_queue_name AS queue_name, first_agent_id AS agent_id,
    first_agent_name AS agent_name, tone_name, is_open, count, total_level,
    count IS NOT NULL AND total_level IS NOT NULL AS is_complete,
    concat_ws(' ', account_id, session_id, conversation_id) AS contact,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local_start
  FROM dialog_tones
  WHERE NOT is_side_session AND is_dated
    AND ($account IS NULL OR account_id = $account)
    AND ($channel IS NULL OR channel = $channel)
    AND ($queue IS NULL OR first_queue_id = $queue OR first_queue_name = $queue)
    AND ($agent IS NULL OR first_agent_id = $agent)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE) - INTERVAL '1' DAY)
    AND (CAST($to AS DATE) IS NULL OR session_date <= CAST($to AS DATE) + INTERVAL '1' DAY)
),
summed AS (
  SELECT
    queue_id, queue_name, agent_id, max(agent_name) AS agent_name, tone_name,
    count(DISTINCT CASE WHEN NOT is_open THEN contact END) AS contacts,
    CAST(sum(CASE WHEN is_complete AND NOT is_open THEN count ELSE 0 END) AS BIGINT) AS detections,
    sum(CASE WHEN is_complete AND NOT is_open THEN total_level END) AS total_level,
    count(*) FILTER (WHERE NOT is_complete AND NOT is_open) AS incomplete,
    count(*) FILTER (WHERE is_open) AS open
  FROM chosen
  WHERE (CAST($from AS DATE) IS NULL OR CAST(local_start AS DATE) >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR CAST(local_start AS DATE) < CAST($to AS DATE))
  GROUP BY queue_id, queue_name, agent_id, tone_name
)
SELECT
  queue_id, queue_name, agent_id, agent_name, tone_name, contacts,
  detections, total_level, total_level / nullif(detections, 0) AS mean_level, incomplete, open
FROM summed
ORDER BY
  queue_name NULLS FIRST, queue_id NULLS FIRST, agent_name NULLS FIRST, agent_id NULLS FIRST, tone_name NULLS FIRST
