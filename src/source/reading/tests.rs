use super::*;
use crate::clock::{TimeRange, UtcTime};
use crate::schema::ApiVersion;
use crate::source::Refusal;

fn window(seconds: i64) -> Window {
    let from = UtcTime::from_seconds(1_800_000_000);
    let to = UtcTime::from_seconds(1_800_000_000 + seconds);
    Window::covering(TimeRange::new(from, to).unwrap())
}

fn reading(seconds: i64) -> WindowReading {
    let template = RequestTemplate::new(ApiVersion::V2, "acc".parse().unwrap(), "st-1".parse().unwrap());
    WindowReading::new(window(seconds), template, of_a_plain_server())
}

/// As if a full page of each group had been seen before.
fn of_a_plain_server() -> PagesSeen {
    let seen = PagesSeen::default();
    seen.is_short(&PageFacts { bot_only: 100, records: 100, ..PageFacts::default() });
    seen.is_short(&page(0..100, None));
    seen
}

fn page(keys: std::ops::Range<u128>, num_results: Option<i64>) -> PageFacts {
    let keys: Vec<u128> = keys.collect();
    PageFacts { bot_only: 0, conversations: keys.len(), records: keys.len(), keys, num_results }
}

fn refused(reason: RefusalReason) -> SourceError {
    let refusal = Refusal { url: "https://host/".into(), status: 400, message: None, reason };
    SourceError::Refused(Box::new(refusal))
}

/// Reports `pages` in turn; each must have been asked for.
fn after(mut reading: WindowReading, pages: &[PageFacts]) -> WindowReading {
    for (page, offset) in pages.iter().zip(0..) {
        let Next::Request(request) = reading.next() else { panic!("{:?} before offset {offset}", reading.next()) };
        assert_eq!(request.offset, Some(offset));
        reading.observe(page);
    }
    reading
}

fn asks_for(reading: &WindowReading) -> Option<u32> {
    match reading.next() {
        Next::Request(request) => request.offset,
        _ => None,
    }
}

fn evidence(reading: &WindowReading) -> Evidence {
    match reading.next() {
        Next::Whole(evidence) => evidence,
        other => panic!("{other:?}"),
    }
}

fn why_split(reading: &WindowReading) -> Doubt {
    match reading.next() {
        Next::Split { windows, why } => {
            let (earlier, later) = reading.window().split().unwrap();
            assert_eq!(windows, [earlier, later]);
            why
        }
        other => panic!("{other:?}"),
    }
}

fn full_pages(count: u128) -> Vec<PageFacts> {
    (0..count).map(|n| page(n * 100..(n + 1) * 100, None)).collect()
}

#[test]
fn a_short_page_of_new_records_ends_the_window() {
    let reading = after(reading(3600), &[page(0..100, None), page(100..150, None)]);
    let expected = Evidence {
        kind: EvidenceKind::ShortPage,
        pages: 2,
        requests: 2,
        records: 150,
        distinct_keys: 150,
        num_results: None,
        total_disagrees: false,
    };
    assert_eq!(evidence(&reading), expected);
}

#[test]
fn pages_smaller_than_asked_for_are_no_sign_of_the_end() {
    let seen = PagesSeen::default();
    let first = |page: &PageFacts| {
        let template = reading(60).template;
        after(WindowReading::new(window(60), template, seen.clone()), std::slice::from_ref(page))
    };
    assert_eq!(asks_for(&first(&page(0..50, Some(50)))), Some(1), "the largest page seen");
    assert_eq!(evidence(&first(&page(100..149, Some(49)))).kind, EvidenceKind::ShortPage);
    let bot_only = PageFacts { bot_only: 40, conversations: 0, ..page(200..240, None) };
    assert_eq!(asks_for(&first(&bot_only)), Some(1), "the largest group seen");
    let both = PageFacts { bot_only: 39, conversations: 10, ..page(300..349, None) };
    assert_eq!(evidence(&first(&both)).kind, EvidenceKind::ShortPage);
    let after_all = PageFacts { records: 0, ..PageFacts::default() };
    let template = reading(60).template;
    let more = WindowReading::new(window(60), template, seen);
    assert_eq!(evidence(&after(more, &[page(400..460, None), after_all])).kind, EvidenceKind::EmptyPage);
}

#[test]
fn evidence_is_kept_as_json() {
    let found = evidence(&after(reading(3600), &[page(0..2, Some(2))]));
    let json = r#"{"kind":"short_page","pages":1,"requests":1,"records":2,"distinct_keys":2,"num_results":2,"total_disagrees":false}"#;
    assert_eq!(serde_json::to_string(&found).unwrap(), json);
    assert_eq!(serde_json::from_str::<Evidence>(json).unwrap(), found);
}

#[test]
fn an_empty_page_after_full_ones_ends_the_window() {
    let mut pages = full_pages(2);
    pages.push(page(0..0, None));
    let found = evidence(&after(reading(3600), &pages));
    assert_eq!((found.kind, found.pages, found.requests), (EvidenceKind::EmptyPage, 2, 3));
}

#[test]
fn an_empty_page_at_offset_0_alone_proves_nothing() {
    let empty = || page(0..0, None);
    assert_eq!(asks_for(&after(reading(3600), &[empty()])), Some(1));
    let found = evidence(&after(reading(3600), &[empty(), empty()]));
    assert_eq!((found.kind, found.pages, found.requests), (EvidenceKind::NothingAtAll, 0, 2));
    // A server whose first page is 1.
    let found = evidence(&after(reading(3600), &[empty(), page(0..100, None), page(100..101, None)]));
    assert_eq!((found.kind, found.distinct_keys), (EvidenceKind::ShortPage, 101));
}

#[test]
fn a_full_last_page_is_never_the_end() {
    let reading = after(reading(3600), &full_pages(11));
    assert_eq!(why_split(&reading), Doubt::OverFull { offset: 10, records: 1100 });
}

#[test]
fn a_page_of_two_full_groups_is_full() {
    assert_eq!(asks_for(&after(reading(3600), &[page(0..200, None)])), Some(1));
}

#[test]
fn records_seen_before_prove_nothing() {
    // Offset counts records: the second page overlaps the first.
    let overlap = after(reading(3600), &[page(0..100, None), page(1..101, None)]);
    assert_eq!(why_split(&overlap), Doubt::Repeats { offset: 1, repeated: 99 });
    // The last page is repeated past the end, or offsets 0 and 1 are one page.
    let repeated = after(reading(3600), &[page(0..100, None), page(0..100, None)]);
    assert_eq!(why_split(&repeated), Doubt::Repeats { offset: 1, repeated: 100 });
    // A short page with a single record that moved.
    let moved = after(reading(3600), &[page(0..100, None), page(99..120, None)]);
    assert_eq!(why_split(&moved), Doubt::Repeats { offset: 1, repeated: 1 });
}

#[test]
fn a_total_above_what_came_is_read_on() {
    // Pages of 50 where 100 were asked for.
    let pages = [page(0..50, Some(120)), page(50..100, Some(120)), page(100..120, Some(120))];
    let found = evidence(&after(reading(3600), &pages));
    assert_eq!((found.distinct_keys, found.total_disagrees), (120, false));
}

#[test]
fn a_total_still_above_at_the_end_splits_a_window_of_several_pages() {
    let pages = [page(0..50, Some(120)), page(50..100, Some(120)), page(0..0, Some(120))];
    let why = why_split(&after(reading(3600), &pages));
    assert_eq!(why, Doubt::TotalAbove { total: 120, distinct_keys: 100 });
}

#[test]
fn one_page_with_nothing_after_it_is_whole_whatever_the_total_says() {
    let found = evidence(&after(reading(3600), &[page(0..50, Some(51)), page(0..0, Some(51))]));
    assert_eq!((found.kind, found.total_disagrees), (EvidenceKind::EmptyPage, true));
}

#[test]
fn a_total_below_or_negative_harms_nothing() {
    for total in [-1, 0, 49] {
        let found = evidence(&after(reading(3600), &[page(0..50, Some(total))]));
        assert!(!found.total_disagrees, "{total}");
    }
}

#[test]
fn records_without_key_count_against_the_total() {
    let facts = PageFacts { records: 12, ..page(0..10, Some(12)) };
    let found = evidence(&after(reading(3600), &[facts]));
    assert_eq!((found.records, found.distinct_keys, found.total_disagrees), (12, 10, false));
}

#[test]
fn a_refused_offset_splits_the_window() {
    let mut reading = after(reading(3600), &full_pages(10));
    reading.refused(refused(RefusalReason::Offset)).unwrap();
    assert_eq!(why_split(&reading), Doubt::OffsetRefused { offset: 10 });
    assert_eq!(reading.requests(), 11);
}

#[test]
fn a_refused_range_is_halved_down_to_a_day() {
    let mut week = reading(7 * 86_400 - 1);
    week.refused(refused(RefusalReason::Range)).unwrap();
    assert_eq!(why_split(&week), Doubt::RangeRefused);
    let error = reading(86_400).refused(refused(RefusalReason::Range)).unwrap_err();
    assert!(matches!(error, SourceError::Refused(_)));
}

#[test]
fn other_errors_are_given_back() {
    for reason in [RefusalReason::Field("skills".into()), RefusalReason::NotFound, RefusalReason::Other] {
        assert!(reading(3600).refused(refused(reason)).is_err());
    }
    let login = SourceError::Login { url: "https://host/".into(), status: 401, message: None };
    let mut reading = reading(3600);
    assert!(matches!(reading.refused(login), Err(SourceError::Login { .. })));
    assert_eq!(asks_for(&reading), Some(0));
}

#[test]
fn an_over_full_second_is_unreadable_and_named() {
    let reading = after(reading(1), &full_pages(11));
    let Next::Unreadable { window, why } = reading.next() else { panic!("{:?}", reading.next()) };
    assert_eq!(
        format!("{window}: {why}"),
        "2027-01-15T08:00:00Z to 2027-01-15T08:00:01Z: \
         the last page that may be asked for, offset 10, is full: 1100 records were read"
    );
}

#[test]
fn row_keys_tell_pairs_apart() {
    let keys = [("a", None), ("a", Some("")), ("a", Some("b")), ("ab", None), ("ab", Some(""))];
    let hashes: HashSet<u128> = keys.iter().map(|(session, talk)| PageFacts::row_key(session, *talk)).collect();
    assert_eq!(hashes.len(), keys.len());
}
