//! Loads that go on from one another while the clock of the centre moves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kore_lake::clock::{TimeRange, UtcTime};
use kore_lake::error::{Error, Kind};
use kore_lake::pipeline::{LoadRequest, Outcome, Summary, accept};
use kore_lake::schema::{ApiVersion, StreamId};
use kore_lake::simulator::{Key, SimulatorSettings};
use serde_json::Value;

use crate::centre::run;
use crate::following::{DAY, Following, HOUR, day, hour, keyed, range, traffic};
use crate::wire::{Wire, moment, view};

/// Days of the records that differ, as their partitions name them.
fn days_that_differ(before: &BTreeMap<Key, Value>, after: &BTreeMap<Key, Value>) -> BTreeSet<String> {
    let differ = |key: &&Key| before.get(key) != after.get(key);
    before.keys().chain(after.keys()).filter(differ).map(|key| start_of(key).to_string()[..10].to_owned()).collect()
}

/// What the session's id says (F15).
fn start_of(key: &Key) -> UtcTime {
    UtcTime::from_seconds(i64::from_str_radix(&key.session_id[..8], 16).unwrap())
}

/// Stretches of a few seconds that a run set out to read before its lookback: those of rows that were open of late.
fn single_seconds(summary: &Summary) -> Vec<TimeRange> {
    summary.ranges.iter().copied().filter(|range| range.length() < Duration::from_mins(1)).collect()
}

#[test]
fn without_a_range_the_first_load_needs_a_start_and_the_next_one_none() {
    run(async {
        let following = Following::at(hour(30), traffic(1, 3, 60));
        let request = following.request();
        let refused = following.run(&request).await;
        assert_eq!(refused.error.as_ref().map(Error::kind), Some(Kind::Usage));
        assert_eq!(
            refused.error.unwrap().line(),
            format!(
                "expected a range to begin with, found neither `--from`, nor `--since`, nor an earlier load of stream \
                 `{}` of account `{}` in the lake",
                request.stream_id, request.account_id
            )
        );
        assert_eq!(following.wire.requests(), 0);
        let since = LoadRequest { since: Some(hour(6)), ..request };
        assert_eq!(following.load(&since).await.ranges, [range(hour(6), hour(30))]);
        following.hold_truth(hour(6)).await;
        following.set_now(hour(40));
        assert_eq!(following.load(&following.request()).await.ranges[0].to(), hour(40));
        following.hold_truth(hour(6)).await;
    });
}

#[test]
fn a_run_takes_what_is_new_or_changed_and_touches_no_other_day() {
    run(async {
        let following = Following::at(hour(160), traffic(2, 8, 60));
        following.load(&LoadRequest { since: Some(day(0)), ..following.request() }).await;
        let (truth, objects) = (following.truth(range(day(0), hour(160))), following.objects());
        following.set_now(hour(172));
        let summary = following.go_on().await;
        assert!(summary.ranges.contains(&range(hour(160 - 72), hour(172))), "{:?}", summary.ranges);
        following.hold_truth(day(0)).await;
        let now = following.truth(range(day(0), hour(172)));
        let changed: BTreeSet<_> = following.changed_since(&objects).into_iter().collect();
        assert_eq!(changed, days_that_differ(&truth, &now));
        assert!(changed.len() < objects.len(), "{changed:?}");
        following.verify().await;
    });
}

/// A window of a re-read is cut by the lake's own rows so that one page answers it: with room for new ones that are 18
/// of 20 rows. Besides come, of the four windows that are under way before a full page was seen, a second request to
/// show each one's end, and that page itself; and the windows at the ends of the range.
#[test]
fn two_runs_in_a_row_cost_the_second_the_requests_of_the_lookback() {
    run(async {
        let following = Following::at(hour(140), traffic(3, 6, 120));
        following.load(&LoadRequest { since: Some(day(0)), ..following.request() }).await;
        following.go_on().await;
        let (objects, ledger) = (following.objects(), following.ledger().await);
        let second = following.go_on().await;
        let rows = following.truth(range(hour(140 - 72), hour(140))).len();
        let most = u64::try_from(rows.div_ceil(18)).unwrap() + 10;
        assert!(second.requests <= most, "{} requests for {rows} rows, {most} at most", second.requests);
        assert_eq!(second.ranges, [range(hour(140 - 72), hour(140))]);
        assert_eq!((second.rows.new, second.rows.changed), (0, 0));
        assert_eq!(following.changed_since(&objects), Vec::<String>::new());
        let after = following.ledger().await;
        assert_eq!(after.provisional_up_to(), ledger.provisional_up_to());
        assert_eq!(after.final_up_to(None), ledger.final_up_to(None));
    });
}

#[test]
fn a_lake_that_is_loaded_daily_is_the_truth_each_day() {
    run(async {
        let following = Following::at(day(2), traffic(5, 8, 60));
        following.load(&LoadRequest { since: Some(day(0)), ..following.request() }).await;
        let mut older = 0;
        for number in 3..15 {
            following.set_now(day(number));
            older += single_seconds(&following.go_on().await).len();
            following.hold_truth(day(0)).await;
        }
        assert!(older > 5, "{older} rows were open longer than the lookback");
        following.verify().await;
        following.set_now(day(29));
        following.go_on().await;
        let objects = following.objects();
        following.set_now(day(30));
        assert_eq!(single_seconds(&following.go_on().await), []);
        assert_eq!(following.changed_since(&objects), Vec::<String>::new());
    });
}

#[test]
fn rows_that_were_open_are_read_again_at_most_once_a_day() {
    run(async {
        let following = Following::at(day(2), traffic(5, 3, 100));
        following.load(&LoadRequest { since: Some(day(0)), lookback: 4 * HOUR, ..following.request() }).await;
        let mut reads: BTreeMap<UtcTime, Vec<u64>> = BTreeMap::new();
        for now in (57..260).step_by(9) {
            following.set_now(hour(now));
            let summary = following.load(&LoadRequest { lookback: 4 * HOUR, ..following.request() }).await;
            for second in single_seconds(&summary) {
                reads.entry(second.from()).or_default().push(now);
            }
        }
        assert!(reads.values().any(|reads| reads.len() >= 3), "{reads:?}");
        let apart = |reads: &Vec<u64>| reads.windows(2).all(|pair| pair[1] - pair[0] >= 24);
        assert!(reads.values().all(apart), "{reads:?}");
        let open = |record: &Value| ["ACTIVE", "TRANSIENT_OPEN"].iter().any(|open| record["finalStatus"] == **open);
        let (stored, truth) = (following.stored().await, following.truth(range(day(0), following.now())));
        let stale: Vec<_> =
            stored.iter().filter(|(key, row)| open(row) && !truth.get(key).is_some_and(&open)).collect();
        assert_eq!(stale, Vec::<(&Key, &Value)>::new());
    });
}

#[test]
fn open_rows_are_given_up_after_thirty_days() {
    run(async {
        let following = Following::at(day(4), traffic(7, 4, 300));
        let lookback = 12 * HOUR;
        following.load(&LoadRequest { since: Some(day(0)), lookback, ..following.request() }).await;
        let before = following.stored().await;
        following.set_now(day(32));
        following.load(&LoadRequest { lookback, ..following.request() }).await;
        let (after, truth) = (following.stored().await, following.truth(range(day(0), day(32))));
        let is_open = |record: &Value| record["finalStatus"] == "ACTIVE" || record["finalStatus"] == "TRANSIENT_OPEN";
        let were_open: Vec<_> = before.iter().filter(|(_, record)| is_open(record)).map(|(key, _)| key).collect();
        let (given_up, read): (Vec<&Key>, Vec<&Key>) = were_open.iter().partition(|key| start_of(key) < day(2));
        assert!(!given_up.is_empty() && !read.is_empty(), "{given_up:?} {read:?}");
        assert!(given_up.iter().all(|key| after[*key] == before[*key]));
        // A session that found an agent meanwhile has another key.
        assert!(read.iter().all(|key| after.get(*key) == truth.get(*key)));
    });
}

/// Days in pages of 10, so that 130 rows of one second are more than all pages hold.
fn crowded(is_automation: &str) -> SimulatorSettings {
    let mut settings = SimulatorSettings { now: Some(moment(day(10))), ..traffic(11, 9, 30) };
    settings.behaviour.set("page-rows", "10").unwrap();
    settings.behaviour.set("crowd", "130@2026-03-03T10:20:30Z").unwrap();
    settings.behaviour.set("is-automation", is_automation).unwrap();
    settings
}

const CROWD: &str = "2026-03-03T10:20:30Z";

/// A lake that owes the second of the crowd.
async fn owing() -> Following {
    let following = Following::new(crowded("ignored"));
    let request = LoadRequest { since: Some(day(0)), ..following.request() };
    let first = following.run(&request).await;
    assert!(first.error.is_none(), "{:?}", first.error);
    let (summary, ledger) = (first.summary, following.ledger().await);
    assert_eq!((summary.outcome, summary.kind()), (Outcome::Incomplete, Some(Kind::Incomplete)));
    let crowd: UtcTime = CROWD.parse().unwrap();
    let near = |at: TimeRange| at.length() == Duration::from_secs(1) && at.from() <= crowd && crowd <= at.to();
    assert!(!summary.unreadable.is_empty() && summary.unreadable.iter().all(|window| near(window.range)));
    assert!(summary.unreadable.iter().all(|window| !window.reported_before));
    assert!(ledger.owed.iter().all(|owed| near(owed.range)) && !ledger.owed.is_empty());
    assert_eq!(ledger.provisional_up_to(), Some(day(10)));
    assert_eq!(ledger.final_up_to(request.since), ledger.owed.iter().map(|owed| owed.range.from()).min());
    assert_eq!(ledger.gaps(request.since), []);
    following
}

#[test]
fn what_cannot_be_read_is_owed_reported_once_and_paid_when_it_can_be_read() {
    run(async {
        let mut following = owing().await;
        let request = LoadRequest { since: Some(day(0)), ..following.request() };
        let owed: Vec<_> = following.ledger().await.owed.iter().map(|owed| owed.range).collect();
        let again = following.load(&request).await;
        assert!(owed.iter().all(|owed| again.ranges.iter().any(|read| owed.without(&[*read]).is_empty())));
        assert!(again.unreadable.iter().all(|window| window.reported_before) && !again.unreadable.is_empty());
        let strict = following.run(&LoadRequest { strict: true, ..request.clone() }).await;
        assert_eq!((strict.error.is_none(), strict.summary.outcome), (true, Outcome::Incomplete));
        following.wire = Wire::of(crowded("honoured"), true);
        let paid = following.load(&request).await;
        assert_eq!(paid.unreadable.len(), 0);
        let ledger = following.ledger().await;
        assert_eq!((ledger.owed.len(), ledger.final_up_to(request.since)), (0, Some(day(7))));
        following.hold_truth(day(0)).await;
        let settled = following.load(&request).await;
        assert_eq!(settled.ranges, [range(day(7), day(10))]);
    });
}

#[test]
fn what_is_accepted_by_hand_is_tried_no_more_and_final_passes_it() {
    run(async {
        let following = owing().await;
        let request = LoadRequest { since: Some(day(0)), ..following.request() };
        let nothing = accept(&following.lake, &request, range(day(0), day(1))).await.unwrap_err();
        assert_eq!(nothing.kind(), Kind::Usage);
        let owed = following.ledger().await.owed;
        let closed = accept(&following.lake, &request, range(day(1), day(2))).await.unwrap();
        assert_eq!(closed, owed);
        let ledger = following.ledger().await;
        assert_eq!((ledger.owed.len(), ledger.final_up_to(request.since)), (0, Some(day(7))));
        assert_eq!(following.load(&request).await.ranges, [range(day(7), day(10))]);
        following.verify().await;
    });
}

#[test]
fn holes_are_read_after_since_and_stay_without_it() {
    run(async {
        let following = Following::at(day(6), traffic(13, 6, 60));
        for (from, to) in [(0, 1), (3, 4)] {
            following.load(&LoadRequest { range: Some(range(day(from), day(to))), ..following.request() }).await;
        }
        let hole = range(day(1), day(3));
        assert_eq!(following.ledger().await.gaps(None), [hole]);
        let lookback = DAY;
        let without = following.load(&LoadRequest { lookback, ..following.request() }).await;
        assert!(
            without.ranges.iter().all(|read| read.from() >= day(3) || read.length() < HOUR),
            "{:?}",
            without.ranges
        );
        assert_eq!(following.ledger().await.gaps(None), [hole]);
        let since = Some(day(0).plus(12 * HOUR));
        let with = following.load(&LoadRequest { lookback, since, ..following.request() }).await;
        assert!(with.ranges.contains(&hole), "{:?}", with.ranges);
        assert_eq!(following.ledger().await.gaps(since), []);
        following.hold_truth(day(0)).await;
    });
}

#[test]
fn a_range_is_read_in_runs_of_few_requests_and_nothing_is_lost() {
    run(async {
        let following = Following::at(day(20), traffic(17, 3, 130));
        let whole = range(day(0), day(3));
        let request = LoadRequest { range: Some(whole), max_requests: Some(6), ..following.request() };
        let mut runs = 1;
        while let finished = following.run(&request).await
            && finished.summary.kind().is_some()
        {
            assert!(finished.error.is_none() && finished.summary.requests <= 6, "{finished:?}");
            assert_eq!(finished.summary.kind(), Some(Kind::Incomplete));
            assert_eq!(finished.summary.stopped_by, Some("--max-requests"));
            let ledger = following.ledger().await;
            let left = ledger.unfinished();
            assert!(ledger.intent.is_some() && !left.is_empty(), "{ledger:?}");
            assert_eq!(ledger.coverage.gaps(whole), left);
            runs += 1;
            assert!(runs < 60, "a range must end: {left:?} {:?}", finished.summary);
        }
        assert!(runs > 2, "{runs}");
        assert_eq!(following.ledger().await.intent, None);
        following.hold_truth(day(0)).await;
        following.verify().await;
    });
}

#[test]
fn a_run_may_end_at_a_time_limit_and_the_next_ones_go_on() {
    run(async {
        let following = Following::at(day(20), traffic(19, 2, 100));
        let mut request = LoadRequest { range: Some(range(day(0), day(2))), ..following.request() };
        request.max_duration = Some(Duration::ZERO);
        let none = following.run(&request).await;
        assert_eq!((none.summary.requests, none.summary.stopped_by), (0, Some("--max-duration")));
        assert_eq!(none.summary.kind(), Some(Kind::Incomplete));
        assert_eq!(following.ledger().await.unfinished(), [range(day(0), day(2))]);
        let mut milliseconds = 20;
        while let finished = following.run(&request).await
            && finished.summary.kind().is_some()
        {
            assert!(finished.error.is_none(), "{finished:?}");
            assert_eq!(finished.summary.stopped_by, Some("--max-duration"));
            milliseconds *= 2;
            request.max_duration = Some(Duration::from_millis(milliseconds));
        }
        assert_eq!(following.ledger().await.intent, None);
        following.hold_truth(day(0)).await;
    });
}

/// Rows that may still change are read again by a run that goes on with one of another day.
#[test]
fn a_run_that_goes_on_days_later_reads_again_what_could_change_since() {
    run(async {
        let following = Following::at(day(3), traffic(23, 3, 60));
        let first = LoadRequest { since: Some(day(0)), max_requests: Some(9), ..following.request() };
        let stopped = following.run(&first).await.summary;
        assert_eq!(stopped.stopped_by, Some("--max-requests"));
        let read = following.ledger().await.provisional_up_to().unwrap();
        assert!(day(0) < read && read < day(3));
        following.set_now(day(3).plus(HOUR));
        let soon = following.run(&LoadRequest { now: following.now(), ..first.clone() }).await.summary;
        assert_eq!(soon.ranges.first().map(|range| range.from()), Some(day(0)), "older than the lookback by now");
        assert!(soon.ranges[0].to() <= day(0).plus(HOUR) && soon.ranges[1].from() == read, "{:?}", soon.ranges);
        following.set_now(day(5));
        let later = LoadRequest { max_requests: None, now: following.now(), ..first };
        assert_eq!(following.load(&later).await.ranges, [range(day(0).plus(HOUR), day(5))]);
        following.hold_truth(day(0)).await;
    });
}

#[test]
fn a_shorter_lookback_does_not_move_final() {
    run(async {
        let following = Following::at(day(6), traffic(29, 8, 30));
        let since = Some(day(0));
        following.load(&LoadRequest { since, ..following.request() }).await;
        assert_eq!(following.ledger().await.final_up_to(since), Some(day(3)));
        following.set_now(day(7));
        let short = following.load(&LoadRequest { since, lookback: DAY, ..following.request() }).await;
        assert_eq!((short.provisional_up_to, short.final_up_to), (Some(day(7)), Some(day(3))));
        let all = LoadRequest { range: Some(range(day(3), day(7))), since, ..following.request() };
        let read = following.load(&all).await;
        assert_eq!((read.provisional_up_to, read.final_up_to), (Some(day(7)), Some(day(4))));
        let longer = LoadRequest { lookback: 5 * DAY, ..all };
        assert_eq!(following.load(&longer).await.final_up_to, Some(day(1)));
    });
}

#[test]
fn streams_of_one_account_stand_side_by_side() {
    run(async {
        let mut settings = traffic(31, 5, 80);
        settings.data.stream_ids = vec!["st-one".to_owned(), "st-two".to_owned()];
        let following = Following::at(day(3), settings);
        let of = |id: &str| LoadRequest { stream_id: id.parse().unwrap(), ..following.request() };
        let ledger = async |id: &str| {
            let head = following.lake.head(&following.wire.account()).await.unwrap().unwrap();
            head.stream(Some(&id.parse::<StreamId>().unwrap())).cloned()
        };
        following.load(&LoadRequest { since: Some(day(0)), ..of("st-one") }).await;
        let first = following.stored().await;
        assert_eq!(first, following.truth(range(day(0), day(3))));
        assert_eq!(ledger("st-two").await, None);
        let refused = following.run(&of("st-two")).await.error.unwrap();
        assert_eq!(refused.kind(), Kind::Usage);
        following.load(&LoadRequest { since: Some(day(1)), ..of("st-two") }).await;
        let one = ledger("st-one").await;
        following.set_now(day(4));
        let summary = following.load(&LoadRequest { since: Some(day(1)), ..of("st-two") }).await;
        assert_eq!(summary.rows.not_returned, 0, "rows of the other stream are not asked for");
        assert_eq!(ledger("st-one").await, one);
        assert_eq!(ledger("st-two").await.unwrap().provisional_up_to(), Some(day(4)));
        following.load(&of("st-one")).await;
        let streams = [("st-one", day(0)), ("st-two", day(1))];
        let truth = streams.iter().flat_map(|(id, from)| {
            let truth = following.wire.simulator.truth(id, moment(*from), moment(day(4)), &view(ApiVersion::V2));
            truth.into_iter().map(|(_, record)| serde_json::from_str(&record).unwrap()).collect::<Vec<Value>>()
        });
        assert_eq!(following.stored().await, keyed(&truth.collect::<Vec<_>>()));
        following.verify().await;
    });
}

#[test]
fn an_older_version_of_the_api_is_refused_and_a_newer_one_taken() {
    run(async {
        let following = Following::at(day(20), traffic(37, 1, 30));
        let of = |api| LoadRequest { api, range: Some(range(day(0), day(1))), ..following.request() };
        following.load(&of(ApiVersion::V1)).await;
        let v1 = following.stored().await;
        assert_eq!(v1, keyed(&following.wire.truth(ApiVersion::V1, range(day(0), day(1)))));
        let changed = following.load(&of(ApiVersion::V2)).await.rows.changed;
        assert!(changed > 0);
        following.hold_truth(day(0)).await;
        let (objects, requests) = (following.objects(), following.wire.requests());
        let refused = following.run(&of(ApiVersion::V1)).await.error.unwrap();
        assert_eq!((refused.kind(), following.wire.requests()), (Kind::Usage, requests));
        assert!(refused.line().contains("v1") && refused.line().contains("v2"), "{}", refused.line());
        assert_eq!(following.changed_since(&objects), Vec::<String>::new());
        following.load(&LoadRequest { allow_downgrade: true, ..of(ApiVersion::V1) }).await;
        assert_eq!(following.stored().await, v1);
    });
}

/// A centre that filters the end of sessions.
fn by_end(seed: u64, days: u32, conversations_per_day: u32) -> SimulatorSettings {
    let mut settings = traffic(seed, days, conversations_per_day);
    settings.behaviour.set("filtered", "end").unwrap();
    settings
}

#[test]
fn where_ends_are_filtered_a_past_range_is_read_on_for_what_ended_later() {
    run(async {
        let following = Following::at(day(20), by_end(41, 5, 100));
        let asked = range(day(1), day(2));
        following.load(&LoadRequest { range: Some(asked), ..following.request() }).await;
        let (stored, truth) = (following.stored().await, following.truth(asked));
        assert!(truth.iter().all(|(key, record)| stored.get(key) == Some(record)), "{} rows", truth.len());
        let ended_later = |record: &&Value| {
            record["sessionEndTime"]["time"].as_str().is_some_and(|end| end.parse::<UtcTime>().unwrap() >= day(2))
        };
        assert!(truth.values().filter(ended_later).count() > 0);
        assert!(stored.keys().any(|key| start_of(key) >= day(2)), "rows of other days are kept");
        let ledger = following.ledger().await;
        assert_eq!(ledger.provisional_up_to(), Some(day(2)));
        assert_eq!(ledger.coverage.gaps(range(day(0), day(5))), [range(day(0), day(1)), range(day(2), day(5))]);
    });
}

#[test]
fn where_ends_are_filtered_daily_loads_find_what_has_ended() {
    run(async {
        let following = Following::at(day(2), by_end(43, 5, 60));
        following.load(&LoadRequest { since: Some(day(0)), ..following.request() }).await;
        for number in 3..9 {
            following.set_now(day(number));
            let summary = following.go_on().await;
            assert_eq!(summary.ranges, [range(day(number - 1).minus(3 * DAY), day(number))]);
        }
        let (stored, truth) = (following.stored().await, following.truth(range(day(0), day(9))));
        let ended = |record: &&Value| record.get("sessionEndTime").is_some();
        assert!(truth.iter().filter(|(_, record)| ended(record)).all(|(key, record)| stored.get(key) == Some(record)));
        following.verify().await;
    });
}
