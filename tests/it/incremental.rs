//! Loads that go on from one another while the clock of the centre moves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kore_lake::clock::{TimeRange, UtcTime};
use kore_lake::error::{Error, Kind};
use kore_lake::pipeline::{LoadRequest, Outcome, Summary, accept};
use kore_lake::simulator::{Key, SimulatorSettings};
use serde_json::Value;

use crate::centre::run;
use crate::following::{DAY, Following, HOUR, day, hour, range, traffic};
use crate::wire::{Wire, moment};

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
        let following = Following::at(hour(100), traffic(2, 7, 120));
        following.load(&LoadRequest { since: Some(day(0)), ..following.request() }).await;
        let (truth, objects) = (following.truth(range(day(0), hour(100))), following.objects());
        following.set_now(hour(124));
        let summary = following.go_on().await;
        assert!(summary.ranges.contains(&range(hour(100 - 72), hour(124))), "{:?}", summary.ranges);
        following.hold_truth(day(0)).await;
        let now = following.truth(range(day(0), hour(124)));
        let changed: BTreeSet<_> = following.changed_since(&objects).into_iter().collect();
        assert_eq!(changed, days_that_differ(&truth, &now));
        assert!(!changed.contains("2026-03-02"), "{changed:?}");
        following.verify().await;
    });
}

/// A window of a re-read is cut by the lake's own rows so that one page answers it: with room for new ones that are 18
/// of 20 rows. Besides come a page that shows what a full one is, the edges, and the second page of a window that holds
/// more than it was cut for since neighbours share a second.
#[test]
fn two_runs_in_a_row_cost_the_second_the_requests_of_the_lookback() {
    run(async {
        let following = Following::at(hour(150), traffic(3, 7, 200));
        following.load(&LoadRequest { since: Some(day(0)), ..following.request() }).await;
        following.go_on().await;
        let (objects, ledger) = (following.objects(), following.ledger().await);
        let second = following.go_on().await;
        let rows = following.truth(range(hour(150 - 72), hour(150))).len();
        let most = u64::try_from(rows.div_ceil(18)).unwrap() + 6;
        assert!(second.requests <= most, "{} requests for {rows} rows, {most} at most", second.requests);
        assert_eq!(second.ranges, [range(hour(150 - 72), hour(150))]);
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
        let following = Following::at(day(2), traffic(5, 9, 90));
        following.load(&LoadRequest { since: Some(day(0)), ..following.request() }).await;
        let mut older = 0;
        for number in 3..18 {
            following.set_now(day(number));
            older += single_seconds(&following.go_on().await).len();
            following.hold_truth(day(0)).await;
        }
        assert!(older > 10, "{older} rows were open longer than the lookback");
        following.verify().await;
        let objects = following.objects();
        following.set_now(day(30));
        assert_eq!(single_seconds(&following.go_on().await), []);
        assert_eq!(following.changed_since(&objects), Vec::<String>::new());
    });
}

#[test]
fn rows_that_were_open_are_read_again_at_most_once_a_day() {
    run(async {
        let following = Following::at(day(2), traffic(5, 4, 150));
        following.load(&LoadRequest { since: Some(day(0)), lookback: 4 * HOUR, ..following.request() }).await;
        let mut reads: BTreeMap<UtcTime, Vec<u64>> = BTreeMap::new();
        for now in (53..200).step_by(5) {
            following.set_now(hour(now));
            let summary = following.load(&LoadRequest { lookback: 4 * HOUR, ..following.request() }).await;
            for second in single_seconds(&summary) {
                reads.entry(second.from()).or_default().push(now);
            }
        }
        assert!(reads.values().any(|reads| reads.len() >= 3), "{reads:?}");
        let apart = |reads: &Vec<u64>| reads.windows(2).all(|pair| pair[1] - pair[0] >= 24);
        assert!(reads.values().all(apart), "{reads:?}");
        let open = |record: &&Value| ["ACTIVE", "TRANSIENT_OPEN"].iter().any(|open| record["finalStatus"] == **open);
        assert_eq!(following.stored().await.values().filter(open).count(), 0);
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

/// Two days in pages of 10, so that 130 rows of one second are more than all pages hold.
fn crowded(is_automation: &str) -> SimulatorSettings {
    let mut settings = SimulatorSettings { now: Some(moment(day(10))), ..traffic(11, 2, 60) };
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
    assert_eq!(ledger.final_up_to(request.since), Some(ledger.owed[0].range.from()));
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
        following.wire = Wire::new(crowded("honoured"));
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
        assert!(without.ranges.iter().all(|read| read.from() >= day(3) || read.length() < HOUR), "{:?}", without.ranges);
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
            assert!(runs < 60, "a range must end");
        }
        assert!(runs > 2, "{runs}");
        assert_eq!(following.ledger().await.intent, None);
        following.hold_truth(day(0)).await;
        following.verify().await;
    });
}
