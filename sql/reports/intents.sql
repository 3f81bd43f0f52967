-- name: intents
-- purpose: What the bot understood last before it handed over, and what became of it: per intent (`lastIntentName`), the outcomes of the conversations, the share that an agent handled, the average wait (sum of waits / answered entries) and handle time ((interaction + after-call work) / legs accepted and ended). The outcome is that of the last queue entry. Open conversations are left out and counted apart; sessions that stayed with the bot are not in it.
-- param: from date none First day on which sessions began, in the time zone
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of days
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- param: queue text none Contacts whose first queue it was, by id or name
-- param: agent text none Contacts that this agent answered first, by id
-- column: intent Last intent; null where the hand-over named none
-- column: contacts Conversations that are not open: the denominator, and the sum of the outcomes
-- column: handled Of these, accepted by an agent: the numerator
-- column: handled_share handled / contacts
-- column: answered Last queue entry answered by its own agent
-- column: answered_after_reassignment Last queue entry answered by a reassigned agent
-- column: direct Answered by an agent without any queue
-- column: callback Callback chosen
-- column: voicemail Voicemail left
-- column: abandoned Abandoned in the last queue
-- column: abandoned_before_queue Abandoned before any queue
-- column: unserved None of these
-- column: waits Answered queue entries whose wait is known: the denominator
-- column: wait_seconds Sum of their waits: the numerator
-- column: asa_seconds wait_seconds / waits
-- column: handled_legs Legs accepted and ended: the denominator
-- column: handle_seconds Interaction and after-call work of these: the numerator
-- column: aht_seconds handle_seconds / handled_legs
-- column: open Conversations still open
WITH chosen AS (
  SELECT
    nullif(last_intent_name, '') AS intent, is_handled, handled_leg_count, timed_entry_count, wait_seconds,
    interaction_seconds + after_call_seconds AS handle_seconds,
    CASE WHEN is_open THEN 'open' ELSE outcome END AS outcome,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local_start
  FROM contacts
  WHERE NOT is_side_session AND is_dated
    AND ($account IS NULL OR account_id = $account)
    AND ($channel IS NULL OR channel = $channel)
    AND NOT is_bot_only
    AND ($queue IS NULL OR first_queue_id = $queue OR first_queue_name = $queue)
    AND ($agent IS NULL OR first_agent_id = $agent)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE) - INTERVAL '1' DAY)
    AND (CAST($to AS DATE) IS NULL OR session_date <= CAST($to AS DATE) + INTERVAL '1' DAY)
),
summed AS (
  SELECT
    intent,
    count(*) FILTER (WHERE outcome <> 'open') AS contacts,
    count(*) FILTER (WHERE outcome <> 'open' AND is_handled) AS handled,
    count(*) FILTER (WHERE outcome = 'answered') AS answered,
    count(*) FILTER (WHERE outcome = 'answered after reassignment') AS answered_after_reassignment,
    count(*) FILTER (WHERE outcome = 'direct') AS direct,
    count(*) FILTER (WHERE outcome = 'callback') AS callback,
    count(*) FILTER (WHERE outcome = 'voicemail') AS voicemail,
    count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned,
    count(*) FILTER (WHERE outcome = 'abandoned before queue') AS abandoned_before_queue,
    count(*) FILTER (WHERE outcome = 'unserved') AS unserved,
    CAST(sum(CASE WHEN outcome = 'open' THEN 0 ELSE timed_entry_count END) AS BIGINT) AS waits,
    sum(CASE WHEN outcome <> 'open' THEN wait_seconds END) AS wait_seconds,
    CAST(sum(CASE WHEN outcome = 'open' THEN 0 ELSE handled_leg_count END) AS BIGINT) AS handled_legs,
    sum(CASE WHEN outcome <> 'open' THEN handle_seconds END) AS handle_seconds,
    count(*) FILTER (WHERE outcome = 'open') AS open
  FROM chosen
  WHERE (CAST($from AS DATE) IS NULL OR CAST(local_start AS DATE) >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR CAST(local_start AS DATE) < CAST($to AS DATE))
  GROUP BY intent
)
SELECT
  intent, contacts, handled, CAST(handled AS DOUBLE) / nullif(contacts, 0) AS handled_share,
  answered, answered_after_reassignment, direct, callback, voicemail, abandoned, abandoned_before_queue, unserved,
  waits, wait_seconds, wait_seconds / nullif(waits, 0) AS asa_seconds,
  handled_legs, handle_seconds, handle_seconds / nullif(handled_legs, 0) AS aht_seconds, open
FROM summed
ORDER BY contacts DESC NULLS LAST, intent NULLS FIRST
