//! What a run learns of the server, shared by all its windows. Nothing here is taken over from an earlier run but
//! [`Habits`], which serve planning only.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::{PageFacts, RowFacts, Window};

/// Last offset that the documents allow (F12).
const DOCUMENTED_LAST: u32 = 10;

/// Largest offset that every reading of the documents serves (F12 leaves open whether 10 is the last or one too many).
const SERVED_BY_ALL: u32 = 9;

/// Pages that a window may have where the server serves offsets beyond the documented one: bounds memory.
const MOST_PAGES: u32 = 20;

/// Windows of which a total must equal the distinct keys before it proves anything.
const TOTALS_NEEDED: u32 = 3;

/// Windows with pages that overlap for no known reason before windows of many pages are given up.
const UNSTEADY: u32 = 2;

/// Rows that a page lacked before they say that it was cut off: fewer may have come into being since.
const TELLING_ROWS: usize = 25;

/// A row shows by which of its times windows filter if these are so many seconds apart: a window of one second has
/// an edge on either side.
const APART_SECONDS: i64 = 3;

/// What `offset` counts (F8), as far as it is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nothing told yet.
    #[default]
    Unknown,
    /// Pages.
    Pages,
    /// Records.
    Records,
    /// Pages of one window overlap in no known way: the order changes from request to request.
    Unsteady,
}

/// Which time of a session a window filters (F17).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FilteredTime {
    /// Its start.
    Start,
    /// Its end.
    End,
}

/// How the server was seen to behave: what planning needs, and what the ledger keeps of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing seen or not yet")]
pub struct Habits {
    /// What `offset` counts.
    pub unit: Unit,
    /// First offset.
    pub first: u32,
    /// Last offset that may be asked for.
    pub last: u32,
    /// Whether the documented last offset was seen to be served, or one up to it to be none.
    pub last_seen: bool,
    /// Records on a full page.
    pub page_rows: usize,
    /// Whether `numResults` was seen to be more than a page.
    pub totals: bool,
    /// Longest window that the server was seen to refuse, in seconds.
    pub refused_seconds: Option<u64>,
    /// Which time windows filter.
    pub filtered: Option<FilteredTime>,
    /// Whether this run has seen a page as large as that: until then no page is known to be short.
    #[serde(skip)]
    pub page_seen: bool,
    /// Whether this run has seen that pages are cut from one list: else, where offsets count records, no more may be
    /// skipped than the larger group had.
    #[serde(skip)]
    pub one_list: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            unit: Unit::Unknown,
            first: 0,
            last: DOCUMENTED_LAST,
            last_seen: false,
            page_rows: 100,
            totals: false,
            refused_seconds: None,
            filtered: None,
            page_seen: false,
            one_list: false,
        }
    }
}

impl Habits {
    /// Records that a window may hold so that its last page is short.
    pub fn reach(&self) -> usize {
        let pages = usize::try_from((self.last + 1).saturating_sub(self.first).clamp(1, MOST_PAGES)).unwrap_or(1);
        match self.unit {
            Unit::Unknown | Unit::Pages => pages * self.page_rows - 1,
            Unit::Records if self.last > DOCUMENTED_LAST && self.one_list => pages * self.page_rows - 1,
            Unit::Records => self.page_rows - 1 + usize::try_from(self.last.min(DOCUMENTED_LAST)).unwrap_or(0),
            Unit::Unsteady => self.page_rows - 1,
        }
    }

    /// Whether a window of so many rows asks for an offset of which nobody knows yet whether it is served.
    pub fn may_pass_the_last(&self, rows: f64) -> bool {
        let sure = u32::try_from(self.page_rows).unwrap_or(u32::MAX).saturating_mul(SERVED_BY_ALL - self.first);
        !self.last_seen && self.unit != Unit::Records && rows >= f64::from(sure)
    }

    /// Whether a window of more than one page can be read.
    pub fn many_pages(&self) -> bool {
        self.unit != Unit::Unsteady
    }
}

/// A small window that was read whole, to try a filter on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The window.
    pub window: Window,
    /// Its keys.
    pub keys: Vec<u128>,
}

/// What a run has learned so far; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Learned(Arc<Mutex<State>>);

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing seen or not yet")]
struct State {
    known: Habits,
    pages: Largest,
    first: u32,
    /// Whether offset 0 has returned rows.
    zero_serves: bool,
    /// Largest offset that has returned rows and is known to be served.
    served: Option<u32>,
    /// Smallest offset beyond [`SERVED_BY_ALL`] that was refused, or answered as no offset of its own.
    blocked: Option<u32>,
    unit: Unit,
    overlaps: u32,
    totals: bool,
    totals_agree: u32,
    totals_differ: bool,
    totals_refuted: bool,
    refused_seconds: Option<u64>,
    ends_beyond: bool,
    starts_before: bool,
    long_row: Option<RowFacts>,
    reference: Option<Reference>,
    partition: Option<bool>,
}

/// The largest and the smallest page that is known to be full.
#[derive(Debug, Default)]
struct Largest {
    /// Records of the largest page.
    page: usize,
    /// Records of the largest group on one page.
    group: usize,
    /// Of the pages that others followed: the smallest, and the smallest of the larger groups.
    full_page: Option<usize>,
    full_group: Option<usize>,
    given_up: Option<GivenUp>,
    /// A page was cut off although a list per group would have had room for more of the smaller one.
    lists_refuted: bool,
}

/// The first page of a window that was given up, since it is to be read on one page, by the smaller group on it.
#[derive(Debug)]
struct GivenUp {
    window: Window,
    bot_only: bool,
    keys: HashSet<u128>,
    lacked: HashSet<u128>,
}

impl GivenUp {
    fn of(window: Window, page: &PageFacts) -> Option<Self> {
        let (bot_only, conversations) = (page.bot_only(), page.conversations());
        let smaller = bot_only < conversations;
        let of_smaller = page.rows.iter().filter(|row| row.bot_only == smaller).map(|row| row.key);
        let (keys, lacked) = (of_smaller.collect(), HashSet::new());
        // A record without a key can be of either group: the smaller one may be full too.
        let is_told = bot_only != conversations && page.unkeyed() == 0;
        is_told.then_some(Self { window, bot_only: smaller, keys, lacked })
    }

    /// Whether the rows of shorter windows show that the page was cut off. Those of the first half of the window are
    /// counted: what has come into being since mostly starts at its end.
    fn is_refuted_by(&mut self, window: Window, page: &PageFacts) -> bool {
        let from = self.window.from().seconds();
        let first_half = from..from + self.window.length_seconds() / 2;
        if self.window.from() <= window.from() && window.to() <= self.window.to() {
            let of_group = page.rows.iter().filter(|row| row.bot_only == self.bot_only);
            let settled = of_group.filter(|row| row.start.is_some_and(|start| first_half.contains(&start)));
            self.lacked.extend(settled.map(|row| row.key).filter(|key| !self.keys.contains(key)));
        }
        self.lacked.len() >= TELLING_ROWS
    }
}

impl Largest {
    fn see(&mut self, page: &PageFacts) {
        self.page = self.page.max(page.records);
        self.group = self.group.max(page.larger_group());
    }

    /// Below the largest page (one list), and each group below the largest one (a list per group, F11) as long as
    /// that may be.
    fn is_short(&self, page: &PageFacts) -> bool {
        let one_list = self.one_list();
        // A record without a key can be of either group.
        let groups_short = page.larger_group() + page.unkeyed() < self.group;
        page.records < self.page && (one_list || groups_short)
    }

    /// Whether one list is all that the pages can be: one ended, with more to come, although neither group was as
    /// large as one can be, or although there were more of the smaller one.
    fn one_list(&self) -> bool {
        self.lists_refuted || self.full_group.is_some_and(|full| full < self.group)
    }
}

impl Learned {
    /// Nothing learned yet; `known` is what an earlier run saw, for planning.
    pub fn new(known: Habits) -> Self {
        Self(Arc::new(Mutex::new(State { known, ..State::default() })))
    }

    /// How the server behaves, as far as this run or else an earlier one saw.
    pub fn habits(&self) -> Habits {
        let state = self.state();
        let known = state.known;
        let unsteady = state.overlaps >= UNSTEADY;
        let unit = match state.unit {
            _ if unsteady => Unit::Unsteady,
            Unit::Unknown => known.unit,
            seen => seen,
        };
        let page_rows = state.pages.full_page.unwrap_or(known.page_rows);
        Habits {
            unit,
            first: state.first.max(known.first),
            last: if state.is_settled() { state.last() } else { known.last },
            last_seen: known.last_seen || state.is_settled() || state.served >= Some(DOCUMENTED_LAST),
            page_rows,
            one_list: state.pages.one_list(),
            page_seen: state.pages.page >= page_rows,
            totals: state.totals || known.totals,
            refused_seconds: [state.refused_seconds, known.refused_seconds].into_iter().flatten().min(),
            filtered: state.filtered().or(known.filtered),
        }
    }

    /// Which time windows filter, if this run has seen it.
    pub fn filtered(&self) -> Option<FilteredTime> {
        self.state().filtered()
    }

    /// A row whose start and end lie so far apart that a window of its first second tells which of them counts.
    pub fn long_row(&self) -> Option<RowFacts> {
        self.state().long_row
    }

    /// A small window read whole that holds rows of both groups.
    pub fn reference(&self) -> Option<Reference> {
        self.state().reference.clone()
    }

    /// Whether the filter `isAutomation` was seen to cut a window into its two groups.
    pub fn partition(&self) -> Option<bool> {
        self.state().partition
    }

    /// Takes down what a trial of `isAutomation` showed.
    pub fn partition_seen(&self, holds: bool) {
        self.state().partition = Some(holds);
    }

    /// Takes down by which time a window of one second filtered.
    pub fn filtered_seen(&self, filtered: FilteredTime) {
        let mut state = self.state();
        match filtered {
            FilteredTime::Start => state.ends_beyond = true,
            FilteredTime::End => state.starts_before = true,
        }
    }

    /// Whether a total proves: it has equalled the distinct keys of every window of more than one page that was
    /// proven otherwise, three at least.
    pub fn total_proves(&self) -> bool {
        let state = self.state();
        !state.totals_differ && state.totals_agree >= TOTALS_NEEDED
    }

    pub(super) fn first(&self) -> u32 {
        self.state().first
    }

    pub(super) fn first_is_one(&self) {
        self.state().first = 1;
    }

    /// Whether `offset` is known to be the first page or a later one: the first is 1, or pages 0 and 1 of a window
    /// differed.
    pub(super) fn first_is_known_up_to(&self, offset: u32) -> bool {
        let state = self.state();
        if state.first == 1 { offset >= 1 } else { state.unit == Unit::Pages }
    }

    pub(super) fn zero_serves(&self) -> bool {
        self.state().zero_serves
    }

    /// Takes a page with rows into account.
    pub(super) fn see(&self, window: Window, offset: u32, page: &PageFacts) {
        let mut state = self.state();
        state.pages.see(page);
        if state.pages.given_up.as_mut().is_some_and(|given_up| given_up.is_refuted_by(window, page)) {
            (state.pages.given_up, state.pages.lists_refuted) = (None, true);
        }
        state.zero_serves |= offset == 0;
        state.totals |= page.num_results.is_some_and(|total| usize::try_from(total).is_ok_and(|t| t > page.records));
        if offset <= SERVED_BY_ALL {
            state.served = state.served.max(Some(offset));
        }
    }

    pub(super) fn is_short(&self, page: &PageFacts) -> bool {
        self.state().pages.is_short(page)
    }

    /// Whether a page of so many records is sure to be full: so small ones were followed by others.
    pub(super) fn is_full(&self, records: usize) -> bool {
        self.state().pages.full_page.is_some_and(|full| records >= full)
    }

    /// A page of a quiet window was followed by rows that it did not hold; `group` is the most that its larger group
    /// can have had.
    pub(super) fn page_was_full(&self, records: usize, group: usize) {
        let mut state = self.state();
        state.pages.full_page = Some(state.pages.full_page.unwrap_or(records).min(records));
        state.pages.full_group = Some(state.pages.full_group.unwrap_or(group).min(group));
    }

    /// A page of a window whose rows may still change was followed by others: planning goes by it, no evidence.
    pub(super) fn page_ended(&self, records: usize) {
        let mut state = self.state();
        state.pages.full_page = Some(state.pages.full_page.unwrap_or(records).min(records));
    }

    /// Whether a total was above what a window holds that was proven whole: then none tells how many pages to expect.
    pub(super) fn totals_refuted(&self) -> bool {
        self.state().totals_refuted
    }

    pub(super) fn refute_totals(&self) {
        self.state().totals_refuted = true;
    }

    /// Whether totals count windows, as far as this run has seen: one was more than its page, and none was refuted.
    pub(super) fn counts_windows(&self) -> bool {
        let state = self.state();
        state.totals && !state.totals_refuted
    }

    /// Records of the largest page.
    pub(super) fn largest_page(&self) -> usize {
        self.state().pages.page
    }

    /// Whether one list is all that the pages can be (F11).
    pub(super) fn one_list(&self) -> bool {
        self.state().pages.one_list()
    }

    /// A window is given up for shorter ones, since its page is full: what those return says whether one list it was.
    pub(super) fn gave_up(&self, window: Window, page: &PageFacts) {
        let mut state = self.state();
        if !state.pages.one_list() && state.pages.given_up.is_none() {
            state.pages.given_up = GivenUp::of(window, page);
        }
    }

    pub(super) fn unit(&self) -> Unit {
        self.state().unit
    }

    pub(super) fn counts(&self, unit: Unit) {
        self.state().unit = unit;
    }

    pub(super) fn overlap(&self) {
        self.state().overlaps += 1;
    }

    /// Whether rows at `offset` are rows of that offset, under every reading that is left.
    pub(super) fn is_trusted(&self, offset: u32) -> bool {
        offset <= SERVED_BY_ALL || self.is_served(offset)
    }

    /// Whether an offset at or beyond this one has returned rows in this run.
    pub(super) fn is_served(&self, offset: u32) -> bool {
        self.state().served.is_some_and(|served| served >= offset)
    }

    /// `offset` returned rows, and one beyond it answered otherwise.
    pub(super) fn serves(&self, offset: u32) {
        let mut state = self.state();
        state.served = state.served.max(Some(offset));
    }

    /// `offset` is not served: refused, empty without need, or answered with rows of another offset.
    pub(super) fn block(&self, offset: u32) {
        if offset > SERVED_BY_ALL {
            let mut state = self.state();
            state.blocked = Some(state.blocked.unwrap_or(offset).min(offset));
        }
    }

    pub(super) fn last(&self) -> u32 {
        self.state().last()
    }

    /// Whether an offset beyond the documented last one is still worth a try.
    pub(super) fn may_try_beyond(&self) -> bool {
        self.state().blocked.is_none()
    }

    /// Whether it is known which offset is the last one.
    pub(super) fn is_settled(&self) -> bool {
        self.state().is_settled()
    }

    pub(super) fn range_refused(&self, window: Window) {
        let mut state = self.state();
        let seconds = window.length().as_secs();
        state.refused_seconds = Some(state.refused_seconds.unwrap_or(seconds).min(seconds));
    }

    /// What the times of rows tell of the filter (F17). The edges may be fuzzy by a second.
    pub(super) fn see_times(&self, from: i64, to: i64, rows: &[RowFacts]) {
        let mut state = self.state();
        for row in rows {
            let starts_inside = row.start.is_some_and(|start| (from..=to).contains(&start));
            let ends_inside = row.end.is_some_and(|end| (from..=to).contains(&end));
            state.ends_beyond |= starts_inside && row.end.is_some_and(|end| end > to + 1 || end < from - 1);
            state.starts_before |= ends_inside && row.start.is_some_and(|start| start < from - 1 || start > to + 1);
            if let (Some(start), Some(end)) = (row.start, row.end)
                && end >= start + APART_SECONDS
                && state.long_row.is_none()
            {
                state.long_row = Some(*row);
            }
        }
    }

    /// A window was read whole on `pages` pages.
    pub(super) fn whole(&self, window: Window, pages: u32, rows: Vec<u128>, both_groups: bool, total: Option<i64>) {
        let mut state = self.state();
        if pages > 1
            && let Some(total) = total
        {
            let agrees = usize::try_from(total).is_ok_and(|total| total == rows.len());
            state.totals_agree += u32::from(agrees);
            state.totals_differ |= !agrees;
        }
        if pages == 1 && both_groups && state.reference.is_none() {
            state.reference = Some(Reference { window, keys: rows });
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_settled(&self) -> bool {
        self.blocked.is_some() || self.served.is_some_and(|served| served > DOCUMENTED_LAST)
    }

    fn last(&self) -> u32 {
        let blocked = self.blocked.unwrap_or(u32::MAX);
        if self.served.is_some_and(|served| served > DOCUMENTED_LAST) {
            return blocked - 1;
        }
        DOCUMENTED_LAST.min(blocked - 1)
    }

    /// A row that ends beyond its window was not found by its end, nor one that starts before it by its start; a
    /// server that gives both leaves no start out.
    fn filtered(&self) -> Option<FilteredTime> {
        match (self.ends_beyond, self.starts_before) {
            (true, _) => Some(FilteredTime::Start),
            (false, true) => Some(FilteredTime::End),
            (false, false) => None,
        }
    }
}
