//! How one window is read page by page, and when it counts as read whole. Does no I/O.

mod end;
mod first;
mod later;
mod page;

use std::collections::HashSet;

use self::page::PageRead;
use super::learned::Unit;
use super::{
    Ask, Doubt, Evidence, EvidenceKind, Learned, PageFacts, PageRequest, RefusalReason, RequestTemplate, SourceError,
    Window,
};

/// A day fits every reading of "7 days" (F4): where it is refused, the cause is another, and halving on would cost
/// requests without end.
const SURE_RANGE_SECONDS: u64 = 86_400;

/// Records on a page below which its overlap with the next page tells nothing about the server, nor can the page be
/// full: no server is taken to give fewer than asked for by that much.
const TELLING_RECORDS: usize = 10;

/// Pages of one window beyond which memory is a reason to cut it, however many the server serves; and of one second,
/// which cannot be cut.
const MOST_PAGES: usize = 40;
const MOST_PAGES_OF_A_SECOND: usize = 100;

/// How many pages a window may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    /// As many as the server serves: its rows are taken as quiet.
    Many,
    /// One, so that no row can move between pages while they are read. A full page is a reason to cut the window.
    One,
}

/// What to do next for a window.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Fetch this page, then [`observe`](WindowReading::observe) it or report its
    /// [refusal](WindowReading::refused).
    Request(PageRequest),
    /// Every record of the window was on the pages read.
    Whole(Evidence),
    /// The pages read prove nothing: read shorter windows that cover this one. Rows already read are rows of the
    /// stream and may be kept.
    Doubt(Doubt),
}

/// The reading of one window, without I/O: ask for what is [`next`](Self::next), report what came, and so on.
///
/// A window is whole where that holds under every reading of the documents that this run has not refuted (F8–F12).
#[derive(Debug, Clone)]
pub struct WindowReading {
    window: Window,
    ask: Ask,
    pages: Pages,
    template: RequestTemplate,
    learned: Learned,
    offset: u32,
    /// Why `offset` is asked for.
    purpose: Purpose,
    counts: Unit,
    seen: HashSet<u128>,
    groups: Groups,
    /// The page at offset 1, while offset 0 is asked for again.
    second: Option<PageFacts>,
    /// Pages with rows, but for those that repeat the one before.
    read: Vec<PageRead>,
    so_far: SoFar,
    /// The answer before, by its keys in their order.
    before: Option<Vec<u128>>,
    /// Whether that answer came again, at another offset, and is asked for once more.
    is_asked_again: bool,
    end: Option<Next>,
}

/// Distinct keys by group.
#[derive(Debug, Clone, Copy, Default)]
struct Groups {
    bot_only: usize,
    conversations: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct SoFar {
    pages: u32,
    requests: u32,
    records: u64,
    /// Records without a key; they count against a total.
    unkeyed: u64,
    num_results: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// It is the next page.
    Read,
    /// Offset 0 gave nothing and offset 1 has rows: does 0 still give nothing?
    Origin,
    /// Offsets 0 and 1 gave the same: is the first page 1, or was that the last page, twice?
    Alike,
    /// The page before ended the window, at an offset of which nothing is known: does another offset answer otherwise?
    Confirm,
    /// The first page was short, and a total says that there is more.
    Total,
    /// The documented last page is full: does the server serve more than the documents say?
    Beyond,
}

/// What is new on a page and what stood on earlier ones.
struct News {
    new: usize,
    repeated: usize,
}

impl WindowReading {
    /// Begins to read `window`; all windows of a run share `learned`.
    pub fn new(window: Window, pages: Pages, template: RequestTemplate, learned: Learned) -> Self {
        Self::part(window, Ask::of(window), pages, template, learned)
    }

    /// Begins to read a part of `window`: what `ask` names of it.
    pub fn part(window: Window, ask: Ask, pages: Pages, template: RequestTemplate, learned: Learned) -> Self {
        let (offset, counts) = (learned.first(), learned.unit());
        Self {
            window,
            ask,
            pages,
            template,
            learned,
            offset,
            purpose: Purpose::Read,
            counts,
            seen: HashSet::new(),
            groups: Groups::default(),
            second: None,
            read: Vec::new(),
            so_far: SoFar::default(),
            before: None,
            is_asked_again: false,
            end: None,
        }
    }

    /// The window that is read.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Requests answered or refused so far, retries not counted.
    pub fn requests(&self) -> u32 {
        self.so_far.requests
    }

    /// Distinct keys read so far.
    pub fn keys(&self) -> &HashSet<u128> {
        &self.seen
    }

    /// What to do next; the same until something is reported.
    pub fn next(&self) -> Next {
        match &self.end {
            Some(end) => end.clone(),
            None => Next::Request(self.template.request(&self.ask, self.offset)),
        }
    }

    /// The requests behind the one that is [`next`](Self::next) that a total says will be needed, so that they can go out
    /// beside it, at most so many. None where a total may be no total (F9), or where pages may move as they are read.
    pub fn ahead(&self, most: usize) -> Vec<PageRequest> {
        let left = if self.purpose == Purpose::Read && self.end.is_none() { self.pages_to_come() } else { 0 };
        let ahead = (self.offset..=self.learned.last()).skip(1).take(left.saturating_sub(1).min(most));
        ahead.map(|offset| self.template.request(&self.ask, offset)).collect()
    }

    /// How many records the window has by its total, once it shows nothing else that the next window would ask again: what
    /// offset counts, and which is the last. Planning may go by it, evidence does not.
    pub fn counted(&self) -> Option<u64> {
        self.total().filter(|_| self.learned.unit() == Unit::Pages && self.learned.is_settled())
    }

    /// The total of a window that is being read, where totals were seen in this run to count more than a page.
    fn total(&self) -> Option<u64> {
        let total = u64::try_from(self.so_far.num_results?).ok()?;
        (self.end.is_none() && !self.read.is_empty() && self.learned.counts_windows()).then_some(total)
    }

    /// Pages to come by the total: no more than are, whatever the groups.
    fn pages_to_come(&self) -> usize {
        let Some(total) = self.total().filter(|_| self.is_quiet()) else { return 0 };
        if self.learned.unit() != Unit::Pages {
            return 0;
        }
        let read = count(self.seen.len()) + self.so_far.unkeyed;
        let left = usize::try_from(total.saturating_sub(read)).unwrap_or(usize::MAX);
        left.div_ceil(self.learned.largest_page().max(1)).min(MOST_PAGES.saturating_sub(self.read.len()))
    }

    /// Reports the page that was asked for.
    pub fn observe(&mut self, page: &PageFacts) {
        self.so_far.requests += 1;
        if self.may_be_an_answer_given_twice(page) {
            return;
        }
        self.so_far.num_results = self.so_far.num_results.max(page.num_results);
        if page.records == 0 {
            return self.at_empty();
        }
        let news = self.take_in(page);
        if self.pages == Pages::One && news.new > 0 && self.reads_on() {
            return self.at_second_page(&news);
        }
        match self.purpose {
            Purpose::Read if self.read.is_empty() => self.at_first(page),
            Purpose::Read if self.counts == Unit::Records => self.at_records(page, &news),
            Purpose::Read => self.at_page(page, &news),
            // A row has come meanwhile, or a refusal has gone.
            Purpose::Origin => self.doubt(Doubt::MoreFollow { offset: 1 }),
            Purpose::Alike => self.at_alike(page, &news),
            Purpose::Confirm => self.at_confirm(&news),
            Purpose::Total if news.new > 0 => self.doubt(Doubt::MoreFollow { offset: self.offset }),
            Purpose::Total => self.whole(EvidenceKind::ShortPage),
            Purpose::Beyond => self.at_beyond(page, &news),
        }
    }

    /// Reports that the request was refused. A range or an offset that the server does not take is a matter of
    /// how the window is read.
    ///
    /// # Errors
    /// Gives back whatever else the error is: it ends the run, or is for the caller to act upon
    /// ([`RefusalReason::Field`]).
    pub fn refused(&mut self, error: SourceError) -> Result<(), SourceError> {
        let SourceError::Refused(refusal) = &error else { return Err(error) };
        if !matches!(refusal.reason, RefusalReason::Range | RefusalReason::Offset | RefusalReason::Other) {
            return Err(error);
        }
        let about_range = refusal.reason == RefusalReason::Range;
        if self.so_far.pages > 0 && !about_range {
            self.so_far.requests += 1;
            self.at_refused_offset();
            return Ok(());
        }
        // Nobody knows the words of the API: what is not said to be about the range may be about offset 0.
        let zero_may_be_none = self.offset == 0 && !about_range && !self.learned.zero_serves();
        let too_long = self.window.length().as_secs() > SURE_RANGE_SECONDS && refusal.reason != RefusalReason::Offset;
        if zero_may_be_none {
            self.ask_for(1, Purpose::Read);
        } else if too_long {
            self.learned.range_refused(self.window);
            self.doubt(Doubt::RangeRefused);
        } else {
            return Err(error);
        }
        self.so_far.requests += 1;
        Ok(())
    }

    /// Whether this is the answer before once more, which a server or something on the way may have given by mistake.
    /// Then the same is asked again: much would follow from it, where the count begins or that the window has ended.
    fn may_be_an_answer_given_twice(&mut self, page: &PageFacts) -> bool {
        let keys: Vec<_> = page.rows.iter().map(|row| row.key).collect();
        let is_alike = self.before.as_ref() == Some(&keys);
        self.is_asked_again = is_alike && !self.is_asked_again;
        self.before = Some(keys);
        self.is_asked_again
    }

    fn take_in(&mut self, page: &PageFacts) -> News {
        self.learned.see(self.window, self.offset, page);
        self.learned.see_times(self.ask.from.seconds(), self.ask.to.seconds(), &page.rows);
        let before = self.seen.len();
        for row in &page.rows {
            if self.seen.insert(row.key) {
                self.groups.bot_only += usize::from(row.bot_only);
                self.groups.conversations += usize::from(!row.bot_only);
            }
        }
        let new = self.seen.len() - before;
        self.so_far.pages += 1;
        self.so_far.records += count(page.records);
        self.so_far.unkeyed += count(page.unkeyed());
        News { new, repeated: page.rows.len() - new }
    }

    /// Whether the page asked for is a later one, of which nothing was known beforehand.
    fn reads_on(&self) -> bool {
        matches!(self.purpose, Purpose::Read | Purpose::Alike) && !self.read.is_empty()
    }

    /// Whether what this window shows may be taken for the server's ways: its rows do not change.
    fn is_quiet(&self) -> bool {
        self.pages == Pages::Many
    }

    /// Whether the window is to be cut rather than read on: its pages are in memory.
    fn holds_enough(&self) -> bool {
        let second = self.window.length_seconds() <= 1;
        self.read.len() >= if second { MOST_PAGES_OF_A_SECOND } else { MOST_PAGES }
    }

    fn keep(&mut self, page: &PageFacts) {
        self.read.push(PageRead::of(self.offset, page));
    }

    fn ask_for(&mut self, offset: u32, purpose: Purpose) {
        (self.offset, self.purpose) = (offset, purpose);
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).expect("a count in memory fits 64 bits")
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod strange;
#[cfg(test)]
mod table;
#[cfg(test)]
mod tests;
