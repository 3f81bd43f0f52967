-- name: missed_offers
-- purpose: Offers that an agent did not answer, by agent, queue and event. Whom a conversation was offered to and who neither accepted it nor is said to have `Answered` it has missed it, once for each offer; what a supervisor gave to someone else stands apart. Offers of open conversations are left out and counted apart. agent_performance has them beside what the agent was offered in all.
-- param: from date none First day on which sessions began, in the time zone
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of days
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- param: queue text none One queue, by id or name
-- param: agent text none One agent, by id
-- column: agent_id Agent
-- column: agent_name The agent's name
-- column: queue_id Queue
-- column: queue_name Its name
-- column: event What the API gives as the reason, `nonResponseEvent`; null where it gives none
-- column: missed Offers not answered
-- column: contacts Contacts among these: one can be missed several times
-- column: supervisor_reassigned Offers that a supervisor moved to someone else; not among the missed
-- column: open Offers of conversations still open
WITH chosen AS (
  SELECT
    agent_id, agent_name, queue_id, queue_name, non_response_event AS event, is_supervisor_reassigned, is_open,
    concat_ws(' ', account_id, session_id, conversation_id) AS contact,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local_start
  FROM missed_offers
  WHERE NOT is_side_session AND is_dated
    AND ($account IS NULL OR account_id = $account)
    AND ($channel IS NULL OR channel = $channel)
    AND ($queue IS NULL OR queue_id = $queue OR queue_name = $queue)
    AND ($agent IS NULL OR agent_id = $agent)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE) - INTERVAL '1' DAY)
    AND (CAST($to AS DATE) IS NULL OR session_date <= CAST($to AS DATE) + INTERVAL '1' DAY)
)
SELECT
  agent_id, max(agent_name) AS agent_name, queue_id, queue_name, event,
  count(*) FILTER (WHERE NOT is_open AND NOT is_supervisor_reassigned) AS missed,
  count(DISTINCT CASE WHEN NOT is_open AND NOT is_supervisor_reassigned THEN contact END) AS contacts,
  count(*) FILTER (WHERE NOT is_open AND is_supervisor_reassigned) AS supervisor_reassigned,
  count(*) FILTER (WHERE is_open) AS open
FROM chosen
WHERE (CAST($from AS DATE) IS NULL OR CAST(local_start AS DATE) >= CAST($from AS DATE))
  AND (CAST($to AS DATE) IS NULL OR CAST(local_start AS DATE) < CAST($to AS DATE))
GROUP BY agent_id, queue_id, queue_name, event
ORDER BY
  agent_name NULLS FIRST, agent_id NULLS FIRST, queue_name NULLS FIRST, queue_id NULLS FIRST, event NULLS FIRST
