-- name: dispositions
-- purpose: What agents say that conversations were about: per disposition code, the contacts that have it, their share of all contacts that have a code, and their average handle time = (interaction + after-call work) / legs accepted and ended. A contact counts once for each code, however often that stands there; it may have several codes, so shares can add up to more than 1. Open conversations are left out and counted apart.
-- param: from date none First day on which sessions began, in the time zone
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of days
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- param: queue text none Contacts whose first queue it was, by id or name
-- param: agent text none Contacts that this agent answered first, by id
-- column: code Disposition
-- column: contacts Contacts with the code: the numerator
-- column: disposed Contacts with any code, the same in every row: the denominator
-- column: share contacts / disposed
-- column: handled_legs Legs of the contacts that were accepted and ended: the denominator
-- column: handle_seconds Interaction and after-call work of these: the numerator
-- column: aht_seconds handle_seconds / handled_legs
-- column: open Contacts with the code that are still open
WITH chosen AS (
  SELECT
    code, is_one_of_contact, is_open, handled_leg_count, interaction_seconds + after_call_seconds AS handle_seconds,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local_start
  FROM _dispositions
  WHERE NOT is_side_session AND is_dated
    AND ($account IS NULL OR account_id = $account)
    AND ($channel IS NULL OR channel = $channel)
    AND code <> '' AND is_first_of_code
    AND ($queue IS NULL OR first_queue_id = $queue OR first_queue_name = $queue)
    AND ($agent IS NULL OR first_agent_id = $agent)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE) - INTERVAL '1' DAY)
    AND (CAST($to AS DATE) IS NULL OR session_date <= CAST($to AS DATE) + INTERVAL '1' DAY)
),
summed AS (
  SELECT
    code,
    count(*) FILTER (WHERE NOT is_open) AS contacts,
    count(*) FILTER (WHERE NOT is_open AND is_one_of_contact) AS counted_here,
    CAST(sum(CASE WHEN is_open THEN 0 ELSE handled_leg_count END) AS BIGINT) AS handled_legs,
    sum(CASE WHEN NOT is_open THEN handle_seconds END) AS handle_seconds,
    count(*) FILTER (WHERE is_open) AS open
  FROM chosen
  WHERE (CAST($from AS DATE) IS NULL OR CAST(local_start AS DATE) >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR CAST(local_start AS DATE) < CAST($to AS DATE))
  GROUP BY code
),
shared AS (
  SELECT
    code, contacts, CAST(sum(counted_here) OVER () AS BIGINT) AS disposed, handled_legs, handle_seconds, open
  FROM summed
)
SELECT
  code, contacts, disposed, CAST(contacts AS DOUBLE) / nullif(disposed, 0) AS share,
  handled_legs, handle_seconds, handle_seconds / nullif(handled_legs, 0) AS aht_seconds, open
FROM shared
ORDER BY contacts DESC NULLS LAST, code NULLS FIRST
