-- name: agent_performance
-- purpose: Per agent and channel: contacts offered, answered and missed, and the average handle time with its parts. AHT = (interaction + after-call work) / legs accepted and ended. Hold lies inside interaction: talk = interaction - hold. Offers of open conversations are left out and counted apart.
-- param: from date none First day on which sessions began, in the time zone
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of days
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- param: queue text none One queue, by id or name
-- param: agent text none One agent, by id
-- param: after_call_work include|exclude include Whether after-call work counts into the handle time
-- column: agent_id Agent
-- column: agent_name The agent's name
-- column: channel Channel, as it is written in the data
-- column: offered answered + not_accepted + missed + supervisor_reassigned
-- column: answered Legs accepted
-- column: not_accepted Legs assigned and never accepted
-- column: missed Offers not answered
-- column: supervisor_reassigned Offers that a supervisor moved to someone else; not among the missed
-- column: handled Legs accepted and ended: the denominator
-- column: handle_seconds interaction_seconds + after_call_seconds, or without the latter: the numerator
-- column: aht_seconds handle_seconds / handled
-- column: interaction_seconds From acceptance to end, of legs handled
-- column: talk_seconds interaction_seconds - hold_seconds
-- column: hold_seconds Hold, of legs handled
-- column: after_call_seconds After-call work, of legs handled
-- column: open Offers of conversations still open
WITH offers AS (
  SELECT
    account_id, session_date, queue_id, queue_name, is_side_session, is_dated,
    agent_id, agent_name, channel, is_open, session_start_time,
    CASE WHEN is_answered THEN 'answered' ELSE 'not accepted' END AS kind,
    is_answered AND interaction_end_time IS NOT NULL AS is_handled,
    CAST(coalesce(interaction_duration, seconds_between(accepted_time, interaction_end_time)) AS DOUBLE) AS interaction,
    CAST(coalesce(hold_duration, 0) AS DOUBLE) AS hold,
    CAST(coalesce(after_call_work_duration, 0) AS DOUBLE) AS after_call
  FROM agent_segments
  UNION ALL
  SELECT
    account_id, session_date, queue_id, queue_name, is_side_session, is_dated,
    agent_id, agent_name, channel, is_open, session_start_time,
    CASE WHEN is_supervisor_reassigned THEN 'supervisor reassigned' ELSE 'missed' END AS kind,
    false AS is_handled,
    CAST(NULL AS DOUBLE) AS interaction,
    CAST(NULL AS DOUBLE) AS hold,
    CAST(NULL AS DOUBLE) AS after_call
  FROM missed_offers
),
placed AS (
  SELECT
    agent_id, agent_name, channel, is_open, kind, is_handled AND NOT is_open AS is_handled, interaction, hold, after_call,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local_start
  FROM offers
  WHERE NOT is_side_session AND is_dated
    AND ($account IS NULL OR account_id = $account)
    AND ($channel IS NULL OR channel = $channel)
    AND ($queue IS NULL OR queue_id = $queue OR queue_name = $queue)
    AND ($agent IS NULL OR agent_id = $agent)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE) - INTERVAL '1' DAY)
    AND (CAST($to AS DATE) IS NULL OR session_date <= CAST($to AS DATE) + INTERVAL '1' DAY)
),
summed AS (
  SELECT
    agent_id, max(agent_name) AS agent_name, channel,
    count(*) FILTER (WHERE NOT is_open) AS offered,
    count(*) FILTER (WHERE NOT is_open AND kind = 'answered') AS answered,
    count(*) FILTER (WHERE NOT is_open AND kind = 'not accepted') AS not_accepted,
    count(*) FILTER (WHERE NOT is_open AND kind = 'missed') AS missed,
    count(*) FILTER (WHERE NOT is_open AND kind = 'supervisor reassigned') AS supervisor_reassigned,
    count(*) FILTER (WHERE is_handled) AS handled,
    sum(CASE WHEN is_handled THEN interaction END) AS interaction_seconds,
    sum(CASE WHEN is_handled THEN hold END) AS hold_seconds,
    sum(CASE WHEN is_handled THEN after_call END) AS after_call_seconds,
    count(*) FILTER (WHERE is_open) AS open
  FROM placed
  WHERE (CAST($from AS DATE) IS NULL OR CAST(local_start AS DATE) >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR CAST(local_start AS DATE) < CAST($to AS DATE))
  GROUP BY agent_id, channel
),
timed AS (
  SELECT
    agent_id, agent_name, channel, offered, answered, not_accepted, missed, supervisor_reassigned, handled,
    CASE WHEN $after_call_work = 'exclude' THEN interaction_seconds ELSE interaction_seconds + after_call_seconds END
      AS handle_seconds,
    interaction_seconds, hold_seconds, after_call_seconds, open
  FROM summed
)
SELECT
  agent_id, agent_name, channel, offered, answered, not_accepted, missed, supervisor_reassigned,
  handled, handle_seconds, handle_seconds / nullif(handled, 0) AS aht_seconds,
  interaction_seconds, interaction_seconds - hold_seconds AS talk_seconds, hold_seconds, after_call_seconds, open
FROM timed
ORDER BY agent_name NULLS FIRST, agent_id NULLS FIRST, channel NULLS FIRST
