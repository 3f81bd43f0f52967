-- name: satisfaction
-- purpose: What customers answered in surveys, by channel and first queue. CSAT = scores 4 and 5 / scores from 1 to 5, or the mean score; NPS = share of 9 and 10 - share of 0 to 6, in points from -100 to 100; like share = likes / (likes + dislikes). Which score counts follows from surveyType, and from the scores that are there where it is missing. Scores out of scale are counted apart, in no ratio. Open conversations are left out and counted apart.
-- param: from date none First day on which sessions began, in the time zone
-- param: to date none Day after the last
-- param: time_zone zone UTC Zone of days
-- param: account text none One account
-- param: channel text none One channel, as it is written in the data
-- param: queue text none Contacts whose first queue it was, by id or name
-- param: agent text none Contacts that this agent answered first, by id
-- param: csat top_box|mean top_box What csat is: the share of scores 4 and 5, or the mean score
-- column: channel Channel, as it is written in the data
-- column: queue_id First queue
-- column: queue_name Its name
-- column: csat csat_satisfied / csat_answers, or csat_sum / csat_answers
-- column: csat_satisfied Scores 4 and 5: the numerator
-- column: csat_sum Sum of the scores: the numerator of the mean
-- column: csat_answers CSAT scores from 1 to 5: the denominator
-- column: csat_out_of_scale Other CSAT scores
-- column: nps 100 * (nps_promoters - nps_detractors) / nps_answers
-- column: nps_promoters Scores 9 and 10
-- column: nps_passives Scores 7 and 8
-- column: nps_detractors Scores from 0 to 6
-- column: nps_answers NPS scores from 0 to 10: the denominator
-- column: nps_out_of_scale Other NPS scores
-- column: like_share likes / like_answers
-- column: likes Score 1: the numerator
-- column: dislikes Scores 0 and -1
-- column: like_answers likes + dislikes: the denominator
-- column: like_out_of_scale Other like scores
-- column: answer_share handled_with_answer / handled
-- column: handled_with_answer Of handled, those with a score that counts: the numerator
-- column: handled Contacts that an agent accepted: the denominator
-- column: open Contacts still open that an agent accepted or that have a score
WITH scored AS (
  SELECT
    channel, first_queue_id AS queue_id, first_queue_name AS queue_name, is_handled, is_open,
    -- A survey type that is none of the three is as good as missing.
    CASE WHEN coalesce(survey_type, '') NOT IN ('nps', 'likedislike') THEN csat_score END AS csat_score,
    CASE WHEN coalesce(survey_type, '') NOT IN ('csat', 'likedislike') THEN nps_score END AS nps_score,
    CASE WHEN coalesce(survey_type, '') NOT IN ('csat', 'nps') THEN like_dislike_score END AS like_score,
    local_time(session_start_time, CAST($time_zone AS STRING)) AS local_start
  FROM contacts
  WHERE NOT is_side_session AND is_dated
    AND ($account IS NULL OR account_id = $account)
    AND ($channel IS NULL OR channel = $channel)
    AND ($queue IS NULL OR first_queue_id = $queue OR first_queue_name = $queue)
    AND ($agent IS NULL OR first_agent_id = $agent)
    AND (CAST($from AS DATE) IS NULL OR session_date >= CAST($from AS DATE) - INTERVAL '1' DAY)
    AND (CAST($to AS DATE) IS NULL OR session_date <= CAST($to AS DATE) + INTERVAL '1' DAY)
),
judged AS (
  SELECT
    channel, queue_id, queue_name, is_handled, is_open, csat_score, nps_score, like_score,
    coalesce(csat_score BETWEEN 1 AND 5, false) AS is_csat,
    coalesce(nps_score BETWEEN 0 AND 10, false) AS is_nps,
    coalesce(like_score BETWEEN -1 AND 1, false) AS is_like
  FROM scored
  WHERE (CAST($from AS DATE) IS NULL OR CAST(local_start AS DATE) >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR CAST(local_start AS DATE) < CAST($to AS DATE))
    AND (is_handled OR csat_score IS NOT NULL OR nps_score IS NOT NULL OR like_score IS NOT NULL)
),
summed AS (
  SELECT
    channel, queue_id, queue_name,
    count(*) FILTER (WHERE NOT is_open AND is_csat AND csat_score >= 4) AS csat_satisfied,
    CAST(sum(CASE WHEN NOT is_open AND is_csat THEN csat_score ELSE 0 END) AS BIGINT) AS csat_sum,
    count(*) FILTER (WHERE NOT is_open AND is_csat) AS csat_answers,
    count(*) FILTER (WHERE NOT is_open AND NOT is_csat AND csat_score IS NOT NULL) AS csat_out_of_scale,
    count(*) FILTER (WHERE NOT is_open AND is_nps AND nps_score >= 9) AS nps_promoters,
    count(*) FILTER (WHERE NOT is_open AND is_nps AND nps_score BETWEEN 7 AND 8) AS nps_passives,
    count(*) FILTER (WHERE NOT is_open AND is_nps AND nps_score <= 6) AS nps_detractors,
    count(*) FILTER (WHERE NOT is_open AND is_nps) AS nps_answers,
    count(*) FILTER (WHERE NOT is_open AND NOT is_nps AND nps_score IS NOT NULL) AS nps_out_of_scale,
    count(*) FILTER (WHERE NOT is_open AND is_like AND like_score = 1) AS likes,
    count(*) FILTER (WHERE NOT is_open AND is_like AND like_score < 1) AS dislikes,
    count(*) FILTER (WHERE NOT is_open AND is_like) AS like_answers,
    count(*) FILTER (WHERE NOT is_open AND NOT is_like AND like_score IS NOT NULL) AS like_out_of_scale,
    count(*) FILTER (WHERE NOT is_open AND is_handled AND (is_csat OR is_nps OR is_like)) AS handled_with_answer,
    count(*) FILTER (WHERE NOT is_open AND is_handled) AS handled,
    count(*) FILTER (WHERE is_open) AS open
  FROM judged
  GROUP BY channel, queue_id, queue_name
)
SELECT
  channel, queue_id, queue_name,
  CAST(CASE WHEN $csat = 'mean' THEN csat_sum ELSE csat_satisfied END AS DOUBLE) / nullif(csat_answers, 0) AS csat,
  csat_satisfied, csat_sum, csat_answers, csat_out_of_scale,
  CAST(100 * (nps_promoters - nps_detractors) AS DOUBLE) / nullif(nps_answers, 0) AS nps,
  nps_promoters, nps_passives, nps_detractors, nps_answers, nps_out_of_scale,
  CAST(likes AS DOUBLE) / nullif(like_answers, 0) AS like_share,
  likes, dislikes, like_answers, like_out_of_scale,
  CAST(handled_with_answer AS DOUBLE) / nullif(handled, 0) AS answer_share,
  handled_with_answer, handled, open
FROM summed
ORDER BY channel NULLS FIRST, queue_name NULLS FIRST, queue_id NULLS FIRST
