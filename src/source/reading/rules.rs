//! Each rule of evidence by itself, against answers by script.

use std::collections::VecDeque;
use std::ops::Range;

use super::*;
use crate::schema::ApiVersion;
use crate::source::{Refusal, RowFacts};

const HOUR: i64 = 3_600;

/// What the server answers.
enum Answer {
    Page(PageFacts),
    Refused(RefusalReason),
}

impl Answer {
    fn starting(self, second: i64) -> Self {
        let Self::Page(mut page) = self else { return self };
        page.rows.iter_mut().for_each(|row| row.start = Some(second));
        Self::Page(page)
    }

    fn total(self, total: i64) -> Self {
        match self {
            Self::Page(page) => Self::Page(PageFacts { num_results: Some(total), ..page }),
            refused @ Self::Refused(_) => refused,
        }
    }
}

fn both(bot_only: Range<u128>, conversations: Range<u128>) -> Answer {
    let row = |key, bot_only| RowFacts { key, bot_only, start: None, end: None };
    let rows: Vec<_> = bot_only.map(|key| row(key, true)).chain(conversations.map(|key| row(key, false))).collect();
    Answer::Page(PageFacts { records: rows.len(), rows, num_results: None })
}

fn rows(keys: Range<u128>) -> Answer {
    both(0..0, keys)
}

fn empty() -> Answer {
    rows(0..0)
}

fn refused() -> Answer {
    Answer::Refused(RefusalReason::Offset)
}

/// Full pages of ten, the first ones of a window.
fn full_pages(pages: u128) -> Vec<Answer> {
    (0..pages).map(|page| rows(page * 10..(page + 1) * 10)).collect()
}

/// The offsets asked for, and what they came to; a request where the answers do not say.
fn read(learned: &Learned, pages: Pages, answers: impl IntoIterator<Item = Answer>) -> (Vec<u32>, Next) {
    read_hours(0, 6, learned, pages, answers)
}

fn quiet(learned: &Learned, answers: impl IntoIterator<Item = Answer>) -> (Vec<u32>, Next) {
    read(learned, Pages::Many, answers)
}

fn fresh(learned: &Learned, answers: impl IntoIterator<Item = Answer>) -> (Vec<u32>, Next) {
    read(learned, Pages::One, answers)
}

fn read_hours(
    from: i64,
    to: i64,
    learned: &Learned,
    pages: Pages,
    answers: impl IntoIterator<Item = Answer>,
) -> (Vec<u32>, Next) {
    let mut reading = begin(from, to, learned, pages);
    let mut offsets = Vec::new();
    let mut answers: VecDeque<_> = answers.into_iter().collect();
    loop {
        let Next::Request(request) = reading.next() else { return (offsets, reading.next()) };
        let Some(answer) = answers.pop_front() else { return (offsets, reading.next()) };
        offsets.push(request.offset.unwrap());
        match answer {
            Answer::Page(page) => reading.observe(&page),
            Answer::Refused(reason) => reading.refused(refusal(reason)).unwrap(),
        }
    }
}

fn begin(from: i64, to: i64, learned: &Learned, pages: Pages) -> WindowReading {
    let template = RequestTemplate::new(ApiVersion::V2, "acc".parse().unwrap(), "st-1".parse().unwrap());
    WindowReading::new(Window::of_seconds(from * HOUR, to * HOUR), pages, template, learned.clone())
}

fn refusal(reason: RefusalReason) -> SourceError {
    SourceError::Refused(Box::new(Refusal { url: "https://host/".into(), status: 400, message: None, reason }))
}

/// A run that has seen pages of ten, at offsets 0 to 2.
fn pages_of_ten() -> Learned {
    let learned = Learned::default();
    let (_, next) = quiet(&learned, [rows(900..910), rows(910..920), rows(920..925)]);
    assert_eq!(kind(&next), Some(EvidenceKind::ShortPage));
    learned
}

fn kind(next: &Next) -> Option<EvidenceKind> {
    match next {
        Next::Whole(evidence) => Some(evidence.kind),
        _ => None,
    }
}

fn asks(next: &Next) -> Option<u32> {
    match next {
        Next::Request(request) => request.offset,
        _ => None,
    }
}

fn doubt(next: Next) -> Doubt {
    match next {
        Next::Doubt(doubt) => doubt,
        other => panic!("expected a doubt, found {other:?}"),
    }
}

#[test]
fn the_largest_page_so_far_is_not_short() {
    let (_, next) = quiet(&Learned::default(), [rows(0..50)]);
    assert_eq!(asks(&next), Some(1));
}

#[test]
fn a_page_below_the_largest_ends_its_window_in_one_request() {
    let (offsets, next) = quiet(&pages_of_ten(), [rows(0..9)]);
    assert_eq!((offsets, kind(&next)), (vec![0], Some(EvidenceKind::ShortPage)));
}

#[test]
fn a_full_last_page_is_never_the_end() {
    let (_, next) = quiet(&pages_of_ten(), full_pages(2));
    assert_eq!(asks(&next), Some(2));
}

#[test]
fn a_page_with_a_group_as_large_as_any_is_not_short() {
    let learned = Learned::default();
    quiet(&learned, [both(0..50, 50..60), empty()]);
    let (_, next) = quiet(&learned, [both(100..150, 150..155)]);
    assert_eq!(asks(&next), Some(1));
}

#[test]
fn pages_that_end_before_either_group_is_full_are_of_one_list() {
    let learned = Learned::default();
    let pages = [both(0..50, 50..100), both(100..140, 140..200), both(200..260, 260..280)];
    let (offsets, next) = quiet(&learned, pages);
    assert_eq!((offsets, kind(&next)), (vec![0, 1, 2], Some(EvidenceKind::ShortPage)));
    assert!(learned.one_list());
}

#[test]
fn a_given_up_page_that_lacked_rows_of_its_smaller_group_is_of_one_list() {
    let learned = Learned::default();
    let (_, next) = fresh(&learned, [both(0..40, 40..100)]);
    assert_eq!(doubt(next), Doubt::Full { records: 100 });
    read_hours(0, 1, &learned, Pages::One, [both(100..124, 40..50).starting(60)]);
    assert!(!learned.one_list());
    read_hours(9, 10, &learned, Pages::One, [both(500..550, 40..50).starting(9 * HOUR)]);
    assert!(!learned.one_list(), "another window");
    read_hours(4, 5, &learned, Pages::One, [both(600..650, 40..50).starting(4 * HOUR)]);
    assert!(!learned.one_list(), "rows at the end of the window may be new");
    read_hours(1, 2, &learned, Pages::One, [both(124..125, 60..70).starting(HOUR)]);
    assert!(learned.one_list());
}

#[test]
fn a_given_up_page_that_lacked_rows_of_its_larger_group_tells_nothing() {
    let learned = Learned::default();
    fresh(&learned, [both(0..40, 40..100)]);
    read_hours(0, 1, &learned, Pages::One, [both(0..40, 200..260)]);
    assert!(!learned.one_list());
}

#[test]
fn an_empty_page_counts_at_offset_one() {
    let (offsets, next) = quiet(&Learned::default(), [rows(0..50), empty()]);
    assert_eq!((offsets, kind(&next)), (vec![0, 1], Some(EvidenceKind::EmptyPage)));
}

#[test]
fn an_empty_page_counts_up_to_the_offset_that_every_reading_serves() {
    let (_, next) = quiet(&Learned::default(), full_pages(9).into_iter().chain([empty()]));
    assert_eq!(kind(&next), Some(EvidenceKind::EmptyPage));
    let (_, next) = quiet(&Learned::default(), full_pages(10).into_iter().chain([empty()]));
    assert_eq!(doubt(next), Doubt::EmptyBeyond { offset: 10 });
}

#[test]
fn an_empty_window_takes_two_offsets_until_offset_zero_has_served() {
    let learned = Learned::default();
    let (offsets, next) = quiet(&learned, [empty(), empty(), empty()]);
    assert_eq!((offsets, kind(&next)), (vec![0, 1, 1], Some(EvidenceKind::NothingAtAll)));
    let (offsets, next) = quiet(&pages_of_ten(), [empty()]);
    assert_eq!((offsets, kind(&next)), (vec![0], Some(EvidenceKind::EmptyPage)));
}

#[test]
fn the_first_page_is_one_where_offset_zero_is_empty_or_refused() {
    for zero in [empty, refused] {
        let learned = Learned::default();
        let (offsets, _) = quiet(&learned, [zero(), rows(0..5), zero()]);
        assert_eq!((offsets, learned.first()), (vec![0, 1, 0], 1));
        let (offsets, next) = quiet(&learned, [rows(10..13)]);
        assert_eq!((offsets, kind(&next)), (vec![1], Some(EvidenceKind::ShortPage)));
    }
}

#[test]
fn rows_that_came_between_two_requests_do_not_say_that_the_first_page_is_one() {
    let learned = Learned::default();
    let (_, next) = fresh(&learned, [empty(), rows(0..9), rows(0..9), rows(0..9)]);
    assert_eq!((doubt(next), learned.first()), (Doubt::MoreFollow { offset: 1 }, 0));
}

#[test]
fn the_first_page_is_one_where_offsets_zero_and_one_are_alike_and_two_is_not() {
    let learned = Learned::default();
    let (_, next) = quiet(&learned, [rows(0..10), rows(0..10), rows(0..10), rows(10..14)]);
    assert_eq!((kind(&next), learned.first()), (Some(EvidenceKind::ShortPage), 1));
}

#[test]
fn three_alike_pages_are_the_last_one_repeated() {
    let learned = Learned::default();
    let (offsets, next) = quiet(&learned, std::iter::repeat_with(|| rows(0..10)).take(5));
    assert_eq!((offsets, kind(&next)), (vec![0, 1, 1, 2, 2], Some(EvidenceKind::SamePage)));
    assert_eq!(learned.first(), 0);
}

#[test]
fn a_repeated_page_ends_the_window_where_the_count_is_known_to_begin() {
    let (offsets, next) = quiet(&pages_of_ten(), [rows(0..10), rows(0..10), rows(0..10)]);
    assert_eq!((offsets, kind(&next)), (vec![0, 1, 1], Some(EvidenceKind::SamePage)));
}

#[test]
fn a_page_given_twice_by_mistake_shows_nothing() {
    let learned = Learned::default();
    let pages = [rows(0..10), rows(0..10), rows(10..20), rows(10..20), rows(20..24)];
    let (offsets, next) = quiet(&learned, pages);
    assert_eq!((offsets, kind(&next)), (vec![0, 1, 1, 2, 2], Some(EvidenceKind::ShortPage)));
    assert_eq!((learned.first(), learned.unit()), (0, Unit::Pages));
}

#[test]
fn nothing_given_twice_by_mistake_does_not_hide_that_the_first_page_is_one() {
    let learned = Learned::default();
    let answers = [empty(), empty(), rows(0..10), rows(0..10), empty(), rows(10..14)];
    let (offsets, next) = quiet(&learned, answers);
    assert_eq!((offsets, kind(&next)), (vec![0, 1, 1, 0, 0, 2], Some(EvidenceKind::ShortPage)));
    assert_eq!(learned.first(), 1);
}

#[test]
fn rows_of_an_earlier_page_in_another_order_prove_nothing() {
    let other_order = || both(5..10, 0..5);
    let (_, next) = quiet(&pages_of_ten(), [both(0..5, 5..10), other_order(), other_order(), other_order()]);
    assert_eq!(doubt(next), Doubt::Repeats { offset: 2, repeated: 10 });
}

#[test]
fn offset_counts_records_where_pages_overlap_by_all_but_one() {
    let learned = Learned::default();
    let (offsets, next) = quiet(&learned, [rows(0..20), rows(1..20)]);
    assert_eq!((offsets, kind(&next)), (vec![0, 1], Some(EvidenceKind::ShortPage)));
    assert_eq!(learned.habits().unit, Unit::Records);
}

#[test]
fn two_windows_that_overlap_for_no_known_reason_end_windows_of_many_pages() {
    let learned = Learned::default();
    for _ in 0..2 {
        let (_, next) = quiet(&learned, [rows(0..20), rows(10..30)]);
        assert_eq!(doubt(next), Doubt::Repeats { offset: 1, repeated: 10 });
    }
    assert!(!learned.habits().many_pages());
}

#[test]
fn a_short_page_beyond_offset_nine_is_confirmed_once() {
    let learned = pages_of_ten();
    let pages = || full_pages(10).into_iter().chain([rows(100..105)]);
    let (offsets, next) = quiet(&learned, pages().chain([empty()]));
    assert_eq!((offsets.last(), kind(&next)), (Some(&11), Some(EvidenceKind::ShortPage)));
    let (offsets, next) = quiet(&learned, pages());
    assert_eq!((offsets.last(), kind(&next)), (Some(&10), Some(EvidenceKind::ShortPage)));
}

#[test]
fn a_last_page_past_the_maximum_that_looks_like_a_short_one_proves_nothing() {
    let learned = pages_of_ten();
    let last = || rows(100..105);
    let (_, next) = quiet(&learned, full_pages(10).into_iter().chain([last(), last(), last()]));
    assert_eq!(doubt(next), Doubt::Repeats { offset: 11, repeated: 5 });
    assert_eq!(learned.last(), 9);
}

#[test]
fn a_full_last_page_is_over_full_where_the_server_serves_no_more() {
    let learned = pages_of_ten();
    let (offsets, next) = quiet(&learned, full_pages(11).into_iter().chain([refused()]));
    assert_eq!((offsets.last(), doubt(next)), (Some(&11), Doubt::OverFull { offset: 10, records: 110 }));
    let (offsets, _) = quiet(&learned, full_pages(11));
    assert_eq!(offsets.last(), Some(&10));
}

#[test]
fn a_server_that_serves_more_than_documented_is_read_on() {
    let learned = pages_of_ten();
    let (offsets, next) = quiet(&learned, full_pages(13).into_iter().chain([rows(130..134)]));
    assert_eq!((offsets.last(), asks(&next)), (Some(&13), Some(14)));
    assert!(learned.habits().last > 10);
}

#[test]
fn an_offset_refused_after_a_full_page_proves_nothing() {
    let (_, next) = quiet(&pages_of_ten(), [rows(0..10), refused()]);
    assert_eq!(doubt(next), Doubt::OffsetRefused { offset: 1 });
}

#[test]
fn a_total_above_the_keys_vetoes_pages_that_end() {
    let pages = [rows(0..10).total(16), rows(10..15).total(16)];
    let (_, next) = quiet(&pages_of_ten(), pages);
    assert_eq!(doubt(next), Doubt::TotalAbove { total: 16, distinct_keys: 15 });
}

#[test]
fn a_total_above_a_short_page_is_asked_after() {
    let learned = pages_of_ten();
    let (offsets, next) = quiet(&learned, [rows(0..5).total(6), empty()]);
    let Next::Whole(evidence) = next else { panic!("expected the window whole, found {next:?}") };
    assert_eq!((offsets, evidence.total_disagrees), (vec![0, 1], true));
    let (_, next) = quiet(&learned, [rows(0..5).total(6), rows(5..6)]);
    assert_eq!(doubt(next), Doubt::MoreFollow { offset: 1 });
}

#[test]
fn a_total_that_the_keys_reach_proves_nothing() {
    for total in [3, 5] {
        let (_, next) = quiet(&Learned::default(), [rows(0..5).total(total)]);
        assert_eq!(asks(&next), Some(1));
    }
}

#[test]
fn a_total_proves_once_three_windows_of_many_pages_agree_and_none_differs() {
    let learned = pages_of_ten();
    let agreeing = || [rows(0..10).total(15), rows(10..15).total(15)];
    for proves in [false, false, true] {
        quiet(&learned, agreeing());
        assert_eq!(learned.total_proves(), proves);
    }
    quiet(&learned, [rows(0..10).total(14), rows(10..15).total(14)]);
    quiet(&learned, agreeing());
    assert!(!learned.total_proves());
}

#[test]
fn a_total_beyond_reach_gives_the_window_up_once_the_last_offset_is_known() {
    let learned = pages_of_ten();
    let (_, next) = quiet(&learned, [rows(0..10).total(500)]);
    assert_eq!(asks(&next), Some(1));
    quiet(&learned, full_pages(11).into_iter().chain([refused()]));
    let (_, next) = quiet(&learned, [rows(0..10).total(500)]);
    assert_eq!(doubt(next), Doubt::BeyondReach { total: 500, reach: 109 });
}

#[test]
fn a_fresh_page_that_may_be_full_is_cut_at_once() {
    let (offsets, next) = fresh(&Learned::default(), [rows(0..10)]);
    assert_eq!((offsets, doubt(next)), (vec![0], Doubt::Full { records: 10 }));
}

#[test]
fn fresh_pages_of_a_few_rows_are_no_full_ones() {
    let (offsets, next) = fresh(&Learned::default(), [rows(0..9), empty()]);
    assert_eq!((offsets, kind(&next)), (vec![0, 1], Some(EvidenceKind::EmptyPage)));
}

#[test]
fn fresh_windows_do_not_teach_what_offset_counts() {
    let learned = Learned::default();
    fresh(&learned, [rows(0..9), rows(9..15)]);
    assert_eq!((learned.unit(), learned.habits().page_rows), (Unit::Unknown, 100));
}

#[test]
fn a_refusal_in_unknown_words_is_about_offset_zero_first_and_then_about_the_range() {
    let learned = Learned::default();
    let other = || Answer::Refused(RefusalReason::Other);
    let (offsets, next) = read_hours(0, 48, &learned, Pages::Many, [other(), other()]);
    assert_eq!((offsets, doubt(next)), (vec![0, 1], Doubt::RangeRefused));
    assert_eq!(learned.habits().refused_seconds, Some(48 * 3_600));
}

#[test]
fn a_range_of_a_day_is_not_what_is_refused() {
    let refused = |hours| begin(0, hours, &pages_of_ten(), Pages::Many).refused(refusal(RefusalReason::Range));
    assert!(refused(24).is_err());
    assert!(refused(25).is_ok());
}

#[test]
fn what_an_earlier_run_saw_proves_nothing() {
    let learned = Learned::new(pages_of_ten().habits());
    let (_, next) = quiet(&learned, [rows(0..5)]);
    assert_eq!(asks(&next), Some(1));
    assert!(!learned.habits().page_seen);
}

/// A reading that was told of pages as a run that knows how the server pages, and what it would ask for ahead.
fn ahead_after(learned: &Learned, pages: Pages, answers: Vec<Answer>) -> Vec<u32> {
    let window = Window::of_seconds(10 * HOUR, 16 * HOUR);
    let template = RequestTemplate::new(ApiVersion::V2, "acc".parse().unwrap(), "st-1".parse().unwrap());
    let mut reading = WindowReading::new(window, pages, template, learned.clone());
    for answer in answers {
        let Answer::Page(page) = answer else { panic!("a refusal tells no total") };
        reading.observe(&page);
    }
    reading.ahead(100).iter().map(|request| request.offset.unwrap()).collect()
}

/// A run in which a window of three pages of ten was read.
fn pages_learned() -> Learned {
    let learned = Learned::default();
    read(&learned, Pages::Many, [rows(0..10).total(25), rows(10..20).total(25), rows(20..25).total(25)]);
    learned
}

#[test]
fn a_total_says_which_pages_can_go_out_side_by_side() {
    assert_eq!(ahead_after(&pages_learned(), Pages::Many, vec![rows(0..10).total(55)]), [2, 3, 4, 5]);
    let two = vec![rows(0..10).total(55), rows(10..20).total(55)];
    assert_eq!(ahead_after(&pages_learned(), Pages::Many, two), [3, 4, 5]);
    // The next page is all there is.
    assert_eq!(ahead_after(&pages_learned(), Pages::Many, vec![rows(0..10).total(20)]), [0; 0]);
}

#[test]
fn no_page_goes_out_ahead_where_nothing_says_that_it_is_there() {
    let first = |total| vec![rows(0..10).total(total)];
    assert_eq!(ahead_after(&pages_learned(), Pages::Many, Vec::new()), [0; 0]);
    // What offset counts is not known yet, the total is the page's length, or rows may move as they are read.
    assert_eq!(ahead_after(&Learned::default(), Pages::Many, first(55)), [0; 0]);
    assert_eq!(ahead_after(&pages_learned(), Pages::Many, first(10)), [0; 0]);
    assert_eq!(ahead_after(&pages_learned(), Pages::One, first(55)), [0; 0]);
    let refuted = pages_learned();
    refuted.refute_totals();
    assert_eq!(ahead_after(&refuted, Pages::Many, first(55)), [0; 0]);
}

#[test]
fn nothing_goes_out_beyond_the_last_offset() {
    assert_eq!(ahead_after(&pages_learned(), Pages::Many, vec![rows(0..10).total(500)]).last(), Some(&10));
}
