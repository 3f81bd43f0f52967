-- name: repeat_contacts
-- purpose: How many inbound contacts were followed by another of the same customer within some days, by channel and first queue: repeated / contacts, or first contact resolution = (contacts - repeated) / contacts. It is the earlier contact that fails. A repeat is any later inbound contact of the customer in the same account, by whatever channel or queue, open ones too; a customer is known by phone number, else e-mail, else user id. It reads on to `to` + repeat_days and says where the lake does not reach that far yet. Open contacts are left out and counted apart.
-- param: from date none First day on which sessions began, in the time zone
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of days
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- param: queue text none Contacts whose first queue it was, by id or name
-- param: agent text none Contacts that this agent answered first, by id
-- param: repeat_days integer 7 Days of 24 hours within which another contact is a repeat
-- param: fcr true|false false Whether rate is that of first contact resolution
-- column: channel Channel, as it is written in the data
-- column: queue_id First queue
-- column: queue_name Its name
-- column: contacts Inbound contacts of a known customer, not open: the denominator
-- column: repeated Of these, followed by another within repeat_days: the numerator
-- column: resolved contacts - repeated: the numerator of first contact resolution
-- column: rate repeated / contacts; with fcr, resolved / contacts
-- column: pending Of resolved, those whose days are not over in the lake: a repeat may still come
-- column: reaches_to Up to when the lake was read, by its ledger, UTC; of several accounts the earliest; null where it does not say
-- column: no_customer Inbound contacts of nobody known, not open: in none of the numbers before
-- column: no_direction Contacts without a direction, not open: in none of them either
-- column: open Inbound contacts still open
WITH near AS (
  SELECT
    account_id, channel, direction, customer_key, is_open, session_start_time,
    first_queue_id, first_queue_name, first_agent_id,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local_start
  FROM contacts
  WHERE NOT is_side_session AND is_dated
    AND (direction = 'inbound' OR direction IS NULL)
    AND ($account IS NULL OR account_id = $account)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE) - INTERVAL '1' DAY)
    AND (CAST($to AS DATE) IS NULL OR session_date <= CAST($to AS DATE) + CAST($repeat_days AS INT) + 1)
),
moments AS (
  SELECT DISTINCT account_id, customer_key, session_start_time
  FROM near
  WHERE customer_key IS NOT NULL AND direction = 'inbound'
),
followed AS (
  SELECT account_id, customer_key, session_start_time
  FROM (
    SELECT
      account_id, customer_key, session_start_time,
      lead(session_start_time) OVER (
        PARTITION BY account_id, customer_key ORDER BY session_start_time NULLS LAST
      ) AS next_start_time
    FROM moments
  ) AS neighbours
  WHERE seconds_between(session_start_time, next_start_time) <= CAST($repeat_days AS DOUBLE) * 86400
),
reads AS (
  SELECT account_id, stream_id, max(least(window_to, as_of)) AS reaches_to
  FROM windows
  WHERE whole AND covers AND window_to IS NOT NULL
  GROUP BY account_id, stream_id
),
reaches AS (
  SELECT account_id, min(reaches_to) AS reaches_to
  FROM reads
  GROUP BY account_id
),
judged AS (
  SELECT
    c.channel, c.first_queue_id AS queue_id, c.first_queue_name AS queue_name, c.direction, c.customer_key, c.is_open,
    r.reaches_to,
    f.session_start_time IS NOT NULL AS is_repeated,
    coalesce(
      seconds_between(c.session_start_time, r.reaches_to) > CAST($repeat_days AS DOUBLE) * 86400, false
    ) AS is_over
  -- Those that are followed are fewer: the side that engines keep in memory.
  FROM followed AS f
  RIGHT JOIN near AS c
    ON c.account_id = f.account_id AND c.customer_key = f.customer_key AND c.session_start_time = f.session_start_time
  LEFT JOIN reaches AS r
    ON c.account_id = r.account_id
  WHERE (CAST($from AS DATE) IS NULL OR CAST(c.local_start AS DATE) >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR CAST(c.local_start AS DATE) < CAST($to AS DATE))
    AND ($channel IS NULL OR c.channel = $channel)
    AND ($queue IS NULL OR c.first_queue_id = $queue OR c.first_queue_name = $queue)
    AND ($agent IS NULL OR c.first_agent_id = $agent)
),
counted AS (
  SELECT
    channel, queue_id, queue_name, direction, customer_key, is_open, reaches_to, is_repeated, is_over,
    coalesce(direction = 'inbound', false) AND customer_key IS NOT NULL AND NOT is_open AS is_counted
  FROM judged
),
summed AS (
  SELECT
    channel, queue_id, queue_name,
    count(*) FILTER (WHERE is_counted) AS contacts,
    count(*) FILTER (WHERE is_counted AND is_repeated) AS repeated,
    count(*) FILTER (WHERE is_counted AND NOT is_repeated) AS resolved,
    count(*) FILTER (WHERE is_counted AND NOT is_repeated AND NOT is_over) AS pending,
    min(reaches_to) AS reaches_to,
    count(*) FILTER (WHERE direction = 'inbound' AND customer_key IS NULL AND NOT is_open) AS no_customer,
    count(*) FILTER (WHERE direction IS NULL AND NOT is_open) AS no_direction,
    count(*) FILTER (WHERE direction = 'inbound' AND is_open) AS open
  FROM counted
  GROUP BY channel, queue_id, queue_name
)
SELECT
  channel, queue_id, queue_name, contacts, repeated, resolved,
  CAST(CASE WHEN $fcr = 'true' THEN resolved ELSE repeated END AS DOUBLE) / nullif(contacts, 0) AS rate,
  pending, reaches_to, no_customer, no_direction, open
FROM summed
ORDER BY channel NULLS FIRST, queue_name NULLS FIRST, queue_id NULLS FIRST
