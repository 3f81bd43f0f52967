-- Flat views over `conversations`, once for all engines: same columns, types, positions and rows. What the words mean is
-- in the comments here; nested access lives in views alone. Views whose names begin with `_` are steps of the others. In
-- DataFusion they are tables that are computed in one pass over each list (src/query/steps), with the expressions of
-- `_sessions` from here.
--
-- Engines part in some places, which are filled in before an engine sees the text: `{each LIST AS NAME}` makes a row of each
-- element, `NAME`, with its index from 0, `NAME_index`; `{open_statuses}` is the schema's list, in lower case; `{lower TEXT}`
-- is the text with A to Z in lower case: of other letters, and of blanks other than the space, each engine has its own view.
--
-- The API gives `''` for what is not there, so it is null in what reports group and count by.
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
  nullif(channel, '') AS channel,
  nullif(
    {lower trim(BOTH ' ' FROM coalesce(nullif(trim(BOTH ' ' FROM direction), ''), customer_info['direction']))}, ''
  ) AS direction,
  session_start_time,
  session_end_time,
  final_status,
  smart_status,
  reason,
  disconnecting_event,
  nullif(conversation_id, '') IS NULL AS is_bot_only,
  -- A bot-only session that belongs to another talk; never a contact (F21).
  nullif(conversation_id, '') IS NULL AND coalesce({lower trim(BOTH ' ' FROM channel)} LIKE 'agentassist%', false) AS is_side_session,
  coalesce({lower final_status} IN ({open_statuses}), false) AS is_open,
  coalesce(is_voicemail, false) AS is_voicemail,
  -- Whether the start lies within a day of the partition's date: reports leave other rows to `data_quality`.
  coalesce(
    seconds_between(session_date, session_start_time) >= -86400
      AND seconds_between(session_date, session_start_time) < 2 * 86400,
    false
  ) AS is_dated,
  csat_score,
  nps_score,
  like_dislike_score,
  {lower trim(BOTH ' ' FROM survey_type)} AS survey_type,
  user_id,
  customer_info['customer_email'] AS customer_email,
  -- All that is no digit, taken out: expressions over patterns differ between engines.
  translate(
    customer_info['customer_phone'], translate(customer_info['customer_phone'], '0123456789', ''), ''
  ) AS customer_digits,
  meta_info['agent_transfer_config']['last_intent_name'] AS last_intent_name,
  meta_info['agent_transfer_config']['dialog_tone'] AS dialog_tone,
  session_level_tags,
  user_level_tags,
  dispositions,
  _flags AS flags,
  destinations
FROM conversations;

-- One row per destination.
CREATE VIEW _destinations AS
SELECT
  account_id, session_date, session_id, conversation_id,
  channel, direction, session_start_time, session_end_time, final_status,
  is_side_session, is_open, is_voicemail, is_dated,
  CAST(destination_index + 1 AS INT) AS destination_position,
  -- The API tells two shapes apart; one without a type is taken for a queue entry, one of a third type for neither.
  coalesce(nullif(destination['destination_type'], ''), 'QueueEntry') = 'QueueEntry' AS is_queue_entry,
  coalesce(destination['destination_type'] = 'AgentSegment', false) AS is_agent_segment,
  nullif(destination['queue_id'], '') AS queue_id,
  nullif(destination['queue_name'], '') AS queue_name,
  destination['enter_time'] AS enter_time,
  destination['callback_opted'] AS callback_opted,
  destination['callback_opted_time'] AS callback_opted_time,
  destination['user_callback_accept_time'] AS user_callback_accept_time,
  destination['callback_initiated_time'] AS callback_initiated_time,
  destination['external_transfer_time'] AS external_transfer_time,
  nullif(destination['external_transfer_destination'], '') AS external_transfer_destination,
  destination['responding_agent'] AS leg,
  destination['non_responding_agents'] AS offers
FROM (
  SELECT
    account_id, session_date, session_id, conversation_id,
    channel, direction, session_start_time, session_end_time, final_status,
    is_side_session, is_open, is_voicemail, is_dated,
    {each destinations AS destination}
  FROM _sessions
);

-- One row per destination, with its agent leg in columns and the number of the queue entry that it belongs to: 0 before
-- any entry, and an AgentSegment belongs to the entry before it.
CREATE VIEW _legs AS
SELECT
  account_id, session_date, session_id, conversation_id,
  channel, direction, session_start_time, session_end_time, final_status,
  is_side_session, is_open, is_voicemail, is_dated,
  destination_position, is_queue_entry, is_agent_segment, queue_id, queue_name, enter_time,
  callback_opted, callback_opted_time, user_callback_accept_time, callback_initiated_time,
  nullif(leg['agent_id'], '') AS agent_id,
  nullif(leg['name'], '') AS agent_name,
  nullif(leg['email'], '') AS agent_email,
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
  -- The API names both on the destination and on its agent.
  coalesce(leg['external_transfer_time'], external_transfer_time) AS external_transfer_time,
  coalesce(nullif(leg['external_transfer_destination'], ''), external_transfer_destination)
    AS external_transfer_destination,
  leg['consulting_agents'] AS consulting_agents,
  offers,
  sum(CASE WHEN is_queue_entry THEN 1 ELSE 0 END) OVER (
    PARTITION BY account_id, session_date, session_id, conversation_id
    ORDER BY destination_position ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS entry_number
FROM _destinations;

-- The same, with what the neighbours say: the acceptance by a reassigned agent, and whether another entry followed.
CREATE VIEW _routing AS
SELECT
  *,
  min(CASE WHEN is_agent_segment THEN accepted_time END) OVER (
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
  END AS outcome,
  coalesce(queue_id, entry_queue_id) AS leg_queue_id,
  coalesce(queue_name, entry_queue_name) AS leg_queue_name
FROM _routing;

-- One row per offer of a destination to an agent who did not answer.
CREATE VIEW _offers AS
SELECT
  *,
  CAST(offer_index + 1 AS INT) AS offer_position,
  offer['agent_id'] AS offer_agent_id,
  offer['name'] AS offer_name,
  offer['email'] AS offer_email,
  offer['status'] AS offer_status,
  offer['assigned_at'] AS offer_assigned_at,
  offer['accepted_time'] AS offer_accepted_time,
  offer['non_response_event'] AS offer_non_response_event
FROM (SELECT *, {each offers AS offer} FROM _outcomes);

-- One row per agent whom the agent of a destination consulted.
CREATE VIEW _consultations AS
SELECT
  *,
  CAST(consulted_index + 1 AS INT) AS consulted_position,
  consulted['agent_id'] AS consulted_agent_id,
  consulted['name'] AS consulted_name,
  consulted['email'] AS consulted_email,
  consulted['assigned_at'] AS consulted_assigned_at,
  consulted['accepted_time'] AS consulted_accepted_time,
  consulted['consulting_end_time'] AS consulted_consulting_end_time,
  consulted['is_merged'] AS consulted_is_merged
FROM (SELECT *, {each consulting_agents AS consulted} FROM _outcomes);

-- One row per row of `conversations`, with what its destinations tell of it. Of legs that were accepted and ended, seconds are
-- as far as they are known: hold lies inside interaction.
CREATE VIEW _contacts AS
SELECT
  s.*,
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
  CAST(coalesce(r.queue_entry_count, 0) AS INT) AS queue_entry_count,
  CAST(coalesce(r.answered_entry_count, 0) AS INT) AS answered_entry_count,
  CAST(coalesce(r.timed_entry_count, 0) AS INT) AS timed_entry_count,
  CAST(coalesce(r.answered_leg_count, 0) AS INT) AS answered_leg_count,
  CAST(coalesce(r.handled_leg_count, 0) AS INT) AS handled_leg_count,
  CAST(coalesce(r.consultation_count, 0) AS INT) AS consultation_count,
  CAST(coalesce(r.external_transfer_count, 0) AS INT) AS external_transfer_count,
  r.wait_seconds, r.interaction_seconds, r.hold_seconds, r.after_call_seconds,
  r.last_entry_position, r.first_answered_position,
  r.first_queue_id, r.first_queue_name, r.first_agent_id, r.first_agent_name
FROM _sessions AS s
LEFT JOIN (
  SELECT
    account_id, session_date, session_id, conversation_id,
    sum(CASE WHEN is_queue_entry THEN 1 ELSE 0 END) AS queue_entry_count,
    sum(CASE WHEN outcome IN ('answered', 'answered after reassignment') THEN 1 ELSE 0 END) AS answered_entry_count,
    sum(CASE WHEN outcome IN ('answered', 'answered after reassignment') AND enter_time IS NOT NULL THEN 1 ELSE 0 END)
      AS timed_entry_count,
    sum(CASE WHEN accepted_time IS NOT NULL THEN 1 ELSE 0 END) AS answered_leg_count,
    sum(CASE WHEN accepted_time IS NOT NULL AND interaction_end_time IS NOT NULL THEN 1 ELSE 0 END) AS handled_leg_count,
    sum(CASE WHEN cardinality(consulting_agents) > 0 THEN cardinality(consulting_agents) ELSE 0 END)
      AS consultation_count,
    sum(CASE WHEN external_transfer_time IS NOT NULL OR external_transfer_destination IS NOT NULL THEN 1 ELSE 0 END)
      AS external_transfer_count,
    sum(
      CASE
        WHEN outcome IN ('answered', 'answered after reassignment')
          THEN seconds_between(enter_time, coalesce(accepted_time, reassigned_accepted_time))
      END
    ) AS wait_seconds,
    sum(
      CASE
        WHEN accepted_time IS NOT NULL AND interaction_end_time IS NOT NULL
          THEN CAST(coalesce(interaction_duration, seconds_between(accepted_time, interaction_end_time)) AS DOUBLE)
      END
    ) AS interaction_seconds,
    sum(
      CASE
        WHEN accepted_time IS NOT NULL AND interaction_end_time IS NOT NULL
          THEN CAST(coalesce(hold_duration, 0) AS DOUBLE)
      END
    ) AS hold_seconds,
    sum(
      CASE
        WHEN accepted_time IS NOT NULL AND interaction_end_time IS NOT NULL
          THEN CAST(coalesce(after_call_work_duration, 0) AS DOUBLE)
      END
    ) AS after_call_seconds,
    max(CASE WHEN entry_number = last_entry_number THEN outcome END) AS last_outcome,
    max(CASE WHEN is_queue_entry THEN destination_position END) AS last_entry_position,
    max(first_answered_position) AS first_answered_position,
    max(CASE WHEN is_queue_entry AND entry_number = 1 THEN queue_id END) AS first_queue_id,
    max(CASE WHEN is_queue_entry AND entry_number = 1 THEN queue_name END) AS first_queue_name,
    max(CASE WHEN destination_position = first_answered_position THEN agent_id END) AS first_agent_id,
    max(CASE WHEN destination_position = first_answered_position THEN agent_name END) AS first_agent_name
  FROM _outcomes
  GROUP BY account_id, session_date, session_id, conversation_id
) AS r
  ON s.account_id = r.account_id AND s.session_date = r.session_date AND s.session_id = r.session_id
  AND s.conversation_id IS NOT DISTINCT FROM r.conversation_id;

-- One row per disposition, tone, tag or flag in a list of a session.
-- Of those of a contact that are alike the first `is_first_of_code`; one of them all, if any is not empty, `is_one_of_contact`.
CREATE VIEW _dispositions AS
SELECT
  *,
  CAST(code_index + 1 AS INT) AS code_position,
  code IS NOT NULL AND array_position(dispositions, code) = code_index + 1 AS is_first_of_code,
  code IS NOT NULL AND array_position(dispositions, code) = code_index + 1 AND code = {greatest_of dispositions}
    AS is_one_of_contact
FROM (SELECT *, {each dispositions AS code} FROM _contacts);

CREATE VIEW _tones AS
SELECT
  *,
  CAST(tone_index + 1 AS INT) AS tone_position,
  tone['tone_name'] AS tone_tone_name,
  tone['level'] AS tone_level,
  tone['count'] AS tone_count,
  tone['total_level'] AS tone_total_level
FROM (SELECT *, {each dialog_tone AS tone} FROM _contacts);

CREATE VIEW _session_level_tags AS
SELECT *, CAST(tag_index + 1 AS INT) AS tag_position, tag['name'] AS tag_name, tag['value'] AS tag_value
FROM (SELECT *, {each session_level_tags AS tag} FROM _sessions);

CREATE VIEW _user_level_tags AS
SELECT *, CAST(tag_index + 1 AS INT) AS tag_position, tag['name'] AS tag_name, tag['value'] AS tag_value
FROM (SELECT *, {each user_level_tags AS tag} FROM _sessions);

CREATE VIEW _flags AS
SELECT *, CAST(flag_index + 1 AS INT) AS flag_position FROM (SELECT *, {each flags AS flag} FROM _sessions);

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
  callback_opted, callback_opted_time, user_callback_accept_time, callback_initiated_time,
  external_transfer_time, external_transfer_destination
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
  leg_queue_id AS queue_id,
  leg_queue_name AS queue_name,
  agent_id, agent_name, agent_email, status, assigned_at, accepted_time,
  accepted_time IS NOT NULL AS is_answered,
  first_response_time, first_response_duration, interaction_end_time, interaction_duration, hold_duration,
  after_call_work_duration, after_call_work_end_time,
  external_transfer_time, external_transfer_destination
FROM _outcomes
WHERE agent_id IS NOT NULL OR agent_name IS NOT NULL OR agent_email IS NOT NULL
  OR assigned_at IS NOT NULL OR accepted_time IS NOT NULL;

-- One row per offer that was not answered. The queue is that of the entry that it belongs to. The API may list a responding agent there too, known by an acceptance or the
-- status `Answered` (F23): those are no missed offers.
CREATE VIEW missed_offers AS
SELECT
  account_id, session_date, session_id, conversation_id, destination_position, offer_position,
  channel, direction, session_start_time, session_end_time, is_side_session, is_open, is_dated,
  leg_queue_id AS queue_id,
  leg_queue_name AS queue_name,
  nullif(offer_agent_id, '') AS agent_id,
  nullif(offer_name, '') AS agent_name,
  nullif(offer_email, '') AS agent_email,
  offer_status AS status,
  offer_assigned_at AS assigned_at,
  nullif(offer_non_response_event, '') AS non_response_event,
  coalesce({lower trim(BOTH ' ' FROM offer_non_response_event)} = 'supervisor reassigned', false)
    AS is_supervisor_reassigned
FROM _offers
WHERE offer_accepted_time IS NULL AND offer_status IS DISTINCT FROM 'Answered';

-- One row per agent whom the agent of a leg consulted. The queue is that of the leg.
CREATE VIEW consultations AS
SELECT
  account_id, session_date, session_id, conversation_id, destination_position,
  CAST(1 AS INT) AS leg_position,
  consulted_position AS consultation_position,
  channel, direction, session_start_time, session_end_time, is_side_session, is_open, is_dated,
  leg_queue_id AS queue_id,
  leg_queue_name AS queue_name,
  agent_id, agent_name,
  consulted_agent_id,
  consulted_name AS consulted_agent_name,
  consulted_email AS consulted_agent_email,
  consulted_assigned_at AS assigned_at,
  consulted_accepted_time AS accepted_time,
  consulted_consulting_end_time AS consulting_end_time,
  consulted_is_merged AS is_merged
FROM _consultations;

-- One row per row of `conversations`; side sessions and open ones are among them, and marked. A contact's outcome is
-- that of its last queue entry; a bot-only session that is open has no other outcome yet. It was transferred if more
-- than one leg was answered, or an answered leg was followed by a queue entry. wait_seconds adds up the waits of its
-- answered entries, as far as they are known, timed_entry_count; interaction_seconds, hold_seconds (inside it) and after_call_seconds those of its legs that were
-- accepted and ended, handled_leg_count.
CREATE VIEW contacts AS
SELECT
  account_id, session_date, session_id, conversation_id,
  channel, direction, session_start_time, session_end_time,
  final_status, smart_status, reason, disconnecting_event,
  is_bot_only, is_side_session, is_open, is_voicemail, is_dated, outcome,
  answered_leg_count > 0 AS is_handled,
  coalesce(answered_leg_count > 1 OR last_entry_position > first_answered_position, false) AS is_transferred,
  queue_entry_count, answered_entry_count, timed_entry_count, answered_leg_count, handled_leg_count,
  consultation_count, external_transfer_count,
  wait_seconds, interaction_seconds, hold_seconds, after_call_seconds,
  first_queue_id, first_queue_name, first_agent_id, first_agent_name,
  -- '' is none; a number without digits, of zeros alone, or 266696687 (ANONYMOUS on a keypad) names nobody.
  coalesce(
    CASE
      WHEN replace(customer_digits, '0', '') <> '' AND customer_digits <> '266696687' THEN customer_digits
    END,
    nullif({lower trim(BOTH ' ' FROM customer_email)}, ''),
    nullif(user_id, '')
  ) AS customer_key,
  csat_score, nps_score, like_dislike_score, survey_type, last_intent_name
FROM _contacts;

-- One row per disposition of a contact, with what is known of the contact; one code can stand there twice.
CREATE VIEW dispositions AS
SELECT
  account_id, session_date, session_id, conversation_id,
  code_position AS disposition_position,
  channel, direction, session_start_time, session_end_time, is_side_session, is_open, is_dated,
  code, outcome,
  answered_leg_count > 0 AS is_handled,
  first_queue_id, first_queue_name, first_agent_id, first_agent_name,
  handled_leg_count, interaction_seconds, hold_seconds, after_call_seconds
FROM _dispositions;

-- One row per tone that was detected in a talk, attributed to the contact's first queue and first agent.
CREATE VIEW dialog_tones AS
SELECT
  account_id, session_date, session_id, conversation_id,
  tone_position,
  channel, direction, session_start_time, session_end_time, is_side_session, is_open, is_dated,
  first_queue_id, first_queue_name, first_agent_id, first_agent_name,
  tone_tone_name AS tone_name,
  tone_level AS level,
  tone_count AS count,
  tone_total_level AS total_level
FROM _tones;

-- One row per tag of a session or of its user: `level` says which, positions count within it.
CREATE VIEW session_tags AS
SELECT
  account_id, session_date, session_id, conversation_id, 'session' AS level, tag_position,
  channel, direction, session_start_time, session_end_time, is_side_session, is_open, is_dated,
  tag_name AS name, tag_value AS value
FROM _session_level_tags
UNION ALL
SELECT
  account_id, session_date, session_id, conversation_id, 'user' AS level, tag_position,
  channel, direction, session_start_time, session_end_time, is_side_session, is_open, is_dated,
  tag_name AS name, tag_value AS value
FROM _user_level_tags;

-- One row per flag that the loader put on a row, `_flags`.
CREATE VIEW row_flags AS
SELECT
  account_id, session_date, session_id, conversation_id, flag_position,
  channel, direction, session_start_time, session_end_time, is_side_session, is_open, is_dated,
  flag
FROM _flags;
