-- Flat views over `conversations` for DataFusion. What the words mean is in the comments here; nested access lives in
-- views alone. `_conversations` is `conversations` with less below `destinations`: faster to read. `{open_statuses}` is
-- the schema's list. Views whose names begin with `_` are steps of the others.
--
-- Every view carries account_id, session_date, session_id and conversation_id (null for none), and positions: Int32
-- from 1, in the order of the JSON list.

-- One row per row of `conversations`, with what is known of the session as a whole.
CREATE VIEW _sessions AS
SELECT
  account_id,
  session_date,
  session_id,
  nullif(conversation_id, '') AS conversation_id,
  channel,
  nullif(lower(trim(coalesce(nullif(trim(direction), ''), customer_info['direction']))), '') AS direction,
  session_start_time,
  session_end_time,
  final_status,
  smart_status,
  reason,
  disconnecting_event,
  nullif(conversation_id, '') IS NULL AS is_bot_only,
  -- A bot-only session that belongs to another talk; never a contact (F21).
  nullif(conversation_id, '') IS NULL AND coalesce(lower(trim(channel)) LIKE 'agentassist%', false) AS is_side_session,
  coalesce(upper(final_status) IN ({open_statuses}), false) AS is_open,
  coalesce(is_voicemail, false) AS is_voicemail,
  -- Whether the start lies within a day of the partition's date: reports leave other rows to `data_quality`.
  coalesce(
    CAST(session_start_time AS DATE) >= session_date - INTERVAL '1' DAY
      AND CAST(session_start_time AS DATE) <= session_date + INTERVAL '1' DAY,
    false
  ) AS is_dated,
  csat_score,
  nps_score,
  like_dislike_score,
  survey_type,
  user_id,
  customer_info['customer_email'] AS customer_email,
  regexp_replace(customer_info['customer_phone'], '[^0-9]', '', 'g') AS customer_digits,
  meta_info['agent_transfer_config']['last_intent_name'] AS last_intent_name,
  destinations
FROM _conversations;

-- One row per destination.
CREATE VIEW _destinations AS
SELECT
  account_id, session_date, session_id, conversation_id,
  channel, direction, session_start_time, session_end_time, final_status,
  is_side_session, is_open, is_voicemail, is_dated,
  CAST(position AS INT) AS destination_position,
  -- The API tells two shapes apart; one without a type is taken for a queue entry.
  coalesce(destination['destination_type'], 'QueueEntry') = 'QueueEntry' AS is_queue_entry,
  destination['queue_id'] AS queue_id,
  destination['queue_name'] AS queue_name,
  destination['enter_time'] AS enter_time,
  destination['callback_opted'] AS callback_opted,
  destination['callback_opted_time'] AS callback_opted_time,
  destination['user_callback_accept_time'] AS user_callback_accept_time,
  destination['callback_initiated_time'] AS callback_initiated_time,
  destination['responding_agent'] AS leg,
  destination['non_responding_agents'] AS offers
FROM (
  SELECT
    account_id, session_date, session_id, conversation_id,
    channel, direction, session_start_time, session_end_time, final_status,
    is_side_session, is_open, is_voicemail, is_dated,
    unnest(destinations) AS destination,
    unnest(range(1, CAST(cardinality(destinations) AS BIGINT) + 1)) AS position
  FROM _sessions
);

-- One row per destination, with its agent leg in columns and the number of the queue entry that it belongs to: 0 before
-- any entry, and an AgentSegment belongs to the entry before it.
CREATE VIEW _legs AS
SELECT
  account_id, session_date, session_id, conversation_id,
  channel, direction, session_start_time, session_end_time, final_status,
  is_side_session, is_open, is_voicemail, is_dated,
  destination_position, is_queue_entry, queue_id, queue_name, enter_time,
  callback_opted, callback_opted_time, user_callback_accept_time, callback_initiated_time,
  leg['agent_id'] AS agent_id,
  leg['name'] AS agent_name,
  leg['email'] AS agent_email,
  leg['status'] AS status,
  leg['assigned_at'] AS assigned_at,
  leg['accepted_time'] AS accepted_time,
  leg['first_response_time'] AS first_response_time,
  leg['first_response_duration'] AS first_response_duration,
  leg['interaction_end_time'] AS interaction_end_time,
  leg['interaction_duration'] AS interaction_duration,
  leg['hold_duration'] AS hold_duration,
  leg['after_call_work_duration'] AS after_call_work_duration,
  leg['after_call_work_end_time'] AS after_call_work_end_time,
  sum(CASE WHEN is_queue_entry THEN 1 ELSE 0 END) OVER (
    PARTITION BY account_id, session_date, session_id, conversation_id
    ORDER BY destination_position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS entry_number
FROM _destinations;

-- The same, with what the neighbours say: the acceptance by a reassigned agent, and whether another entry followed.
CREATE VIEW _routing AS
SELECT
  *,
  min(CASE WHEN NOT is_queue_entry THEN accepted_time END) OVER (
    PARTITION BY account_id, session_date, session_id, conversation_id, entry_number
  ) AS reassigned_accepted_time,
  max(CASE WHEN is_queue_entry THEN queue_id END) OVER (
    PARTITION BY account_id, session_date, session_id, conversation_id, entry_number
  ) AS entry_queue_id,
  max(CASE WHEN is_queue_entry THEN queue_name END) OVER (
    PARTITION BY account_id, session_date, session_id, conversation_id, entry_number
  ) AS entry_queue_name,
  max(entry_number) OVER (
    PARTITION BY account_id, session_date, session_id, conversation_id
  ) AS last_entry_number,
  min(CASE WHEN accepted_time IS NOT NULL THEN destination_position END) OVER (
    PARTITION BY account_id, session_date, session_id, conversation_id
  ) AS first_answered_position
FROM _legs;

-- The same, with the outcome of each queue entry: the first that holds. Statuses do not tell whether an agent answered,
-- `accepted_time` does (F22).
CREATE VIEW _outcomes AS
SELECT
  *,
  CASE
    WHEN NOT is_queue_entry THEN NULL
    WHEN callback_opted THEN 'callback'
    WHEN accepted_time IS NOT NULL THEN 'answered'
    WHEN reassigned_accepted_time IS NOT NULL THEN 'answered after reassignment'
    WHEN entry_number < last_entry_number THEN 'moved on'
    WHEN is_open THEN 'open'
    WHEN is_voicemail THEN 'voicemail'
    WHEN final_status = 'USER ABANDONED' THEN 'abandoned'
    ELSE 'unserved'
  END AS outcome
FROM _routing;

-- One row per queue entry. accepted_time is that of the entry's own leg, else of the first reassigned agent before the
-- next entry; wait_seconds runs from enter_time to it, abandon_seconds from enter_time to the session's end.
CREATE VIEW queue_entries AS
SELECT
  account_id, session_date, session_id, conversation_id, destination_position,
  channel, direction, session_start_time, session_end_time, is_side_session, is_open, is_dated,
  queue_id, queue_name, enter_time, outcome,
  coalesce(accepted_time, reassigned_accepted_time) AS accepted_time,
  seconds_between(enter_time, coalesce(accepted_time, reassigned_accepted_time)) AS wait_seconds,
  CASE WHEN outcome = 'abandoned' THEN seconds_between(enter_time, session_end_time) END AS abandon_seconds,
  agent_id, agent_name,
  callback_opted, callback_opted_time, user_callback_accept_time, callback_initiated_time
FROM _outcomes
WHERE is_queue_entry;

-- One row per agent leg: the agent of a queue entry, or an AgentSegment. The queue is that of the entry that the leg
-- belongs to; a leg before any entry is direct.
CREATE VIEW agent_segments AS
SELECT
  account_id, session_date, session_id, conversation_id, destination_position,
  CAST(1 AS INT) AS leg_position,
  channel, direction, session_start_time, session_end_time, is_side_session, is_open, is_dated,
  entry_number = 0 AS is_direct,
  coalesce(queue_id, entry_queue_id) AS queue_id,
  coalesce(queue_name, entry_queue_name) AS queue_name,
  agent_id, agent_name, agent_email, status, assigned_at, accepted_time,
  accepted_time IS NOT NULL AS is_answered,
  first_response_time, first_response_duration, interaction_end_time, interaction_duration, hold_duration,
  after_call_work_duration, after_call_work_end_time
FROM _outcomes
WHERE agent_id IS NOT NULL OR agent_name IS NOT NULL OR agent_email IS NOT NULL
  OR assigned_at IS NOT NULL OR accepted_time IS NOT NULL;

-- One row per offer that was not answered. The API may list a responding agent there too, known by an acceptance or the
-- status `Answered` (F23): those are no missed offers.
CREATE VIEW missed_offers AS
SELECT
  account_id, session_date, session_id, conversation_id, destination_position, offer_position,
  channel, direction, session_start_time, session_end_time, is_side_session, is_open, is_dated,
  queue_id, queue_name,
  offer['agent_id'] AS agent_id,
  offer['name'] AS agent_name,
  offer['email'] AS agent_email,
  offer['status'] AS status,
  offer['assigned_at'] AS assigned_at,
  offer['non_response_event'] AS non_response_event,
  coalesce(lower(trim(offer['non_response_event'])) = 'supervisor reassigned', false) AS is_supervisor_reassigned
FROM (
  SELECT
    account_id, session_date, session_id, conversation_id, destination_position,
    channel, direction, session_start_time, session_end_time, is_side_session, is_open, is_dated,
    queue_id, queue_name,
    unnest(offers) AS offer,
    CAST(unnest(range(1, CAST(cardinality(offers) AS BIGINT) + 1)) AS INT) AS offer_position
  FROM _destinations
)
WHERE offer['accepted_time'] IS NULL AND offer['status'] IS DISTINCT FROM 'Answered';

-- One row per row of `conversations`; side sessions and open ones are among them, and marked. A contact's outcome is
-- that of its last queue entry; a bot-only session that is open has no other outcome yet.
CREATE VIEW contacts AS
SELECT
  s.account_id, s.session_date, s.session_id, s.conversation_id,
  s.channel, s.direction, s.session_start_time, s.session_end_time,
  s.final_status, s.smart_status, s.reason, s.disconnecting_event,
  s.is_bot_only, s.is_side_session, s.is_open, s.is_voicemail, s.is_dated,
  CASE
    WHEN s.is_bot_only AND s.is_open THEN 'open'
    WHEN s.is_bot_only AND nullif(s.final_status, '') IS NULL THEN 'unknown'
    WHEN s.is_bot_only AND s.final_status = 'BotResolved' THEN 'completed'
    WHEN s.is_bot_only THEN 'dropped off'
    WHEN r.last_outcome IS NOT NULL THEN r.last_outcome
    WHEN r.answered_leg_count > 0 THEN 'direct'
    WHEN s.final_status = 'USER ABANDONED' THEN 'abandoned before queue'
    WHEN s.is_open THEN 'open'
    ELSE 'unserved'
  END AS outcome,
  coalesce(r.answered_leg_count, 0) > 0 AS is_handled,
  CAST(coalesce(r.queue_entry_count, 0) AS INT) AS queue_entry_count,
  CAST(coalesce(r.answered_leg_count, 0) AS INT) AS answered_leg_count,
  r.first_queue_id, r.first_queue_name, r.first_agent_id, r.first_agent_name,
  -- '' is none; a number without digits, of zeros alone, or 266696687 (ANONYMOUS on a keypad) names nobody.
  coalesce(
    CASE WHEN trim(s.customer_digits, '0') <> '' AND s.customer_digits <> '266696687' THEN s.customer_digits END,
    nullif(lower(trim(s.customer_email)), ''),
    nullif(s.user_id, '')
  ) AS customer_key,
  s.csat_score, s.nps_score, s.like_dislike_score, s.survey_type, s.last_intent_name
FROM _sessions AS s
LEFT JOIN (
  SELECT
    account_id, session_date, session_id, conversation_id,
    sum(CASE WHEN is_queue_entry THEN 1 ELSE 0 END) AS queue_entry_count,
    sum(CASE WHEN accepted_time IS NOT NULL THEN 1 ELSE 0 END) AS answered_leg_count,
    max(CASE WHEN entry_number = last_entry_number THEN outcome END) AS last_outcome,
    max(CASE WHEN is_queue_entry AND entry_number = 1 THEN queue_id END) AS first_queue_id,
    max(CASE WHEN is_queue_entry AND entry_number = 1 THEN queue_name END) AS first_queue_name,
    max(CASE WHEN destination_position = first_answered_position THEN agent_id END) AS first_agent_id,
    max(CASE WHEN destination_position = first_answered_position THEN agent_name END) AS first_agent_name
  FROM _outcomes
  GROUP BY account_id, session_date, session_id, conversation_id
) AS r
  ON s.account_id = r.account_id AND s.session_date = r.session_date AND s.session_id = r.session_id
  AND s.conversation_id IS NOT DISTINCT FROM r.conversation_id;
