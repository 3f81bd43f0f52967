//! How one window is read page by page, and when it counts as read whole. Does no I/O.

use std::collections::HashSet;

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
    end: Option<Next>,
}

/// Distinct keys by group.
#[derive(Debug, Clone, Copy, Default)]
struct Groups {
    bot_only: usize,
    conversations: usize,
}

#[derive(Debug, Clone)]
struct PageRead {
    offset: u32,
    records: usize,
    /// Records of the larger group, of those that have a key: so many at least.
    group: usize,
    unkeyed: usize,
    /// In the page's order.
    keys: Vec<u128>,
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

    /// Reports the page that was asked for.
    pub fn observe(&mut self, page: &PageFacts) {
        self.so_far.requests += 1;
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

    /// The first page with rows.
    fn at_first(&mut self, page: &PageFacts) {
        if self.offset == 1 && self.learned.first() == 0 {
            // Offset 0 was empty or refused, and this one has rows: the count begins here, if that is so once more.
            self.second = Some(page.clone());
            return self.ask_for(0, Purpose::Origin);
        }
        let short = self.learned.is_short(page);
        self.keep(page);
        if short {
            return if self.total_above().is_some() {
                self.ask_for(self.offset + 1, Purpose::Total);
            } else {
                self.whole(EvidenceKind::ShortPage);
            };
        }
        if self.pages == Pages::One && (page.records >= TELLING_RECORDS || self.learned.is_full(page.records)) {
            // It may be full, and while rows come and go no second request can tell: an empty page behind it may mean
            // that the rows of that page have moved up.
            if self.ask.is_whole(self.window) {
                self.learned.gave_up(self.window, page);
            }
            return self.doubt(Doubt::Full { records: count(page.records) });
        }
        let reach = count(self.learned.habits().reach());
        if let Some(total) = page.num_results.filter(|total| u64::try_from(*total).is_ok_and(|total| total > reach))
            && self.learned.is_settled()
            && !self.learned.totals_refuted()
            && self.window.length_seconds() > 1
        {
            return self.doubt(Doubt::BeyondReach { total, reach });
        }
        if self.counts == Unit::Records {
            self.ask_for_more_records();
        } else {
            self.ask_for(self.offset + 1, Purpose::Read);
        }
    }

    /// A later page, where `offset` counts pages or nothing is known yet.
    fn at_page(&mut self, page: &PageFacts, news: &News) {
        let before = self.read.last().expect("a first page came before");
        if news.repeated == 0 {
            if self.is_quiet() {
                self.learned.page_was_full(before.records, before.most_of_a_group());
                self.learned.counts(Unit::Pages);
            }
            return self.at_next_page(page);
        }
        let same = news.new == 0 && page.rows.len() == before.keys.len();
        if same && before.repeats(page) && self.ends_by_repeating(before.offset) {
            return self.whole_unless_total_above(EvidenceKind::SamePage);
        }
        if same && self.offset == 1 && before.offset == 0 {
            return self.ask_for(2, Purpose::Alike);
        }
        // A page of another order that happens to hold nearly the same rows is none that was shifted.
        let shifted_by_one = self.offset == before.offset + 1
            && !same
            && news.new <= 1
            && page.records + 1 >= before.records
            && before.is_repeated_in_order(page);
        if !shifted_by_one {
            if !same && self.is_quiet() {
                self.learned.overlap();
            }
            return self.repeats(news);
        }
        if self.is_quiet() && before.records >= TELLING_RECORDS {
            self.learned.counts(Unit::Records);
        } else if news.new > 0 {
            return self.repeats(news);
        }
        self.counts = Unit::Records;
        self.at_records(page, news);
    }

    /// Whether the page asked for is a later one, of which nothing was known beforehand.
    fn reads_on(&self) -> bool {
        matches!(self.purpose, Purpose::Read | Purpose::Alike) && !self.read.is_empty()
    }

    /// One page was to answer, and this one holds rows that the first did not: others may have moved between them.
    fn at_second_page(&mut self, news: &News) {
        let first = self.read.first().expect("a first page came before");
        if news.repeated == 0 && first.records >= TELLING_RECORDS {
            self.learned.page_ended(first.records);
        }
        self.doubt(Doubt::Full { records: count(self.seen.len()) });
    }

    /// A page that holds none of the rows before.
    fn at_next_page(&mut self, page: &PageFacts) {
        let short = self.learned.is_short(page);
        self.keep(page);
        if short {
            self.conclude(EvidenceKind::ShortPage, self.offset + 1);
        } else if self.holds_enough() {
            self.over_full();
        } else if self.offset < self.learned.last() {
            self.ask_for(self.offset + 1, Purpose::Read);
        } else if self.learned.may_try_beyond() {
            self.ask_for(self.offset + 1, Purpose::Beyond);
        } else {
            self.over_full();
        }
    }

    /// A later page, where `offset` counts records: `offset` records came before this page, and if it is short none
    /// come behind it. So the window is whole if as many distinct keys were read.
    fn at_records(&mut self, page: &PageFacts, news: &News) {
        if news.new > 0 && self.is_quiet() {
            let before = self.read.last().expect("a first page came before");
            self.learned.page_was_full(before.records, before.most_of_a_group());
        }
        let skipped = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let one_list = self.seen.len() == skipped + page.rows.len();
        let Groups { bot_only, conversations } = self.groups;
        let each_list = bot_only == skipped + page.bot_only() && conversations == skipped + page.conversations();
        if self.learned.is_short(page) {
            let behind = self.offset + u32::try_from(page.records).unwrap_or(u32::MAX);
            self.keep(page);
            return if one_list || each_list {
                self.conclude(EvidenceKind::ShortPage, behind);
            } else {
                self.repeats(news);
            };
        }
        if news.new == 0 && self.offset > 1 {
            return self.repeats(news);
        }
        if self.pages == Pages::One {
            return self.doubt(Doubt::Full { records: count(self.seen.len()) });
        }
        self.keep(page);
        self.ask_for_more_records();
    }

    /// Whether the page before was the last, given that this one repeats it at an offset that every reading serves.
    /// Where the count begins must be known, or offsets 0 and 1 may both be the first page (F8). Another page's rows in
    /// the same order are no chance: a server that shuffles gives another order.
    fn ends_by_repeating(&self, before: u32) -> bool {
        let begins = self.read.len() > 1 || self.learned.first_is_known_up_to(before);
        begins && self.counts != Unit::Records && self.learned.is_trusted(self.offset)
    }

    /// Offsets 0 and 1 gave the same rows.
    fn at_alike(&mut self, page: &PageFacts, news: &News) {
        if self.read.last().is_some_and(|first| first.repeats(page)) {
            // Or else `offset` means nothing to this server, and there is more than it ever shows.
            let asked = usize::try_from(self.template.limit).unwrap_or(usize::MAX);
            if page.records < asked && self.total_above().is_none() {
                return self.whole(EvidenceKind::SamePage);
            }
            self.learned.overlap();
            return self.repeats(news);
        }
        if news.repeated > 0 {
            return self.repeats(news);
        }
        if self.is_quiet() {
            self.learned.first_is_one();
            let first = self.read.last().expect("a first page came before");
            self.learned.page_was_full(first.records, first.most_of_a_group());
            self.learned.counts(Unit::Pages);
        }
        self.purpose = Purpose::Read;
        self.at_next_page(page);
    }

    /// An offset behind the last page: the same rows again say that the offset before was not its own either.
    fn at_confirm(&mut self, news: &News) {
        let asked = self.read.last().expect("a page is confirmed").offset;
        if news.new > 0 {
            return self.doubt(Doubt::MoreFollow { offset: self.offset });
        }
        self.learned.block(asked);
        self.repeats(news);
    }

    /// Rows beyond the documented last offset.
    fn at_beyond(&mut self, page: &PageFacts, news: &News) {
        let before = self.read.last().expect("a page came before");
        let skipped = usize::try_from(self.offset - before.offset).unwrap_or(usize::MAX);
        // Counted by records, pages overlap where a group is larger than what was skipped.
        let overlap = if self.counts == Unit::Records { before.records.saturating_sub(skipped) } else { 0 };
        if news.repeated > overlap || news.new == 0 {
            self.learned.block(self.offset);
            return self.after_beyond();
        }
        self.learned.serves(before.offset);
        self.purpose = Purpose::Read;
        if self.counts == Unit::Records { self.at_records(page, news) } else { self.at_next_page(page) }
    }

    /// The server serves nothing beyond the documented last offset.
    fn after_beyond(&mut self) {
        let last = self.learned.last();
        let before = self.read.last().expect("a page came before").offset;
        if self.counts == Unit::Records && before < last {
            self.ask_for(last, Purpose::Read);
        } else {
            self.over_full();
        }
    }

    fn at_empty(&mut self) {
        match (self.purpose, self.so_far.pages) {
            (_, 0) => self.at_nothing_yet(),
            (Purpose::Origin, _) => self.begins_at_one(),
            (Purpose::Confirm, _) => self.confirmed(),
            (Purpose::Total, _) => self.whole(EvidenceKind::ShortPage),
            (Purpose::Alike, _) => self.whole(EvidenceKind::EmptyPage),
            (Purpose::Beyond, _) => self.nothing_beyond(),
            (Purpose::Read, _) => {
                let skipped = usize::try_from(self.offset).unwrap_or(usize::MAX);
                let gap = self.counts == Unit::Records && self.seen.len() < skipped;
                if !gap && self.learned.is_trusted(self.offset) {
                    self.whole_unless_total_above(EvidenceKind::EmptyPage);
                } else {
                    self.learned.block(self.offset);
                    self.doubt(Doubt::EmptyBeyond { offset: self.offset });
                }
            }
        }
    }

    /// Offset 0 alone proves nothing where it is empty: the first page may be 1 (F8).
    fn at_nothing_yet(&mut self) {
        match self.offset {
            0 if self.learned.zero_serves() => self.whole(EvidenceKind::EmptyPage),
            0 => self.ask_for(1, Purpose::Read),
            _ if self.learned.first() == 1 => self.whole(EvidenceKind::EmptyPage),
            _ => self.whole(EvidenceKind::NothingAtAll),
        }
    }

    fn at_refused_offset(&mut self) {
        match self.purpose {
            Purpose::Origin => self.begins_at_one(),
            Purpose::Confirm => self.confirmed(),
            Purpose::Total => self.whole(EvidenceKind::ShortPage),
            Purpose::Beyond => self.nothing_beyond(),
            Purpose::Read | Purpose::Alike => {
                self.learned.block(self.offset);
                self.doubt(Doubt::OffsetRefused { offset: self.offset });
            }
        }
    }

    /// Offset 0 gave nothing twice, and offset 1 has rows.
    fn begins_at_one(&mut self) {
        if self.learned.zero_serves() {
            return self.doubt(Doubt::MoreFollow { offset: 1 });
        }
        self.learned.first_is_one();
        let first = self.second.take().expect("offset 1 has rows");
        self.ask_for(1, Purpose::Read);
        self.at_first(&first);
    }

    fn nothing_beyond(&mut self) {
        // Had the page before been another's, this one would be the same.
        let before = self.read.last().expect("a page came before").offset;
        self.learned.serves(before);
        self.learned.block(self.offset);
        self.after_beyond();
    }

    /// The window has ended; `behind` is an offset that has no rows, if this server serves it.
    fn conclude(&mut self, kind: EvidenceKind, behind: u32) {
        if self.learned.is_trusted(self.offset) {
            self.whole_unless_total_above(kind);
        } else {
            self.ask_for(behind, Purpose::Confirm);
        }
    }

    fn confirmed(&mut self) {
        let asked = self.read.last().expect("a page is confirmed").offset;
        self.learned.serves(asked);
        self.whole_unless_total_above(EvidenceKind::ShortPage);
    }

    /// The next page where `offset` counts records. Where each group may be a list of its own (F11), no more may be
    /// skipped than the larger group had.
    fn ask_for_more_records(&mut self) {
        let page = self.read.last().expect("a page came before");
        let step = if self.learned.one_list() { page.records } else { page.group };
        let next = page.offset + u32::try_from(step).unwrap_or(u32::MAX);
        let last = self.learned.last();
        if self.holds_enough() {
            self.over_full();
        } else if next <= last {
            self.ask_for(next, Purpose::Read);
        } else if self.pages == Pages::Many && self.learned.may_try_beyond() {
            self.ask_for(next, Purpose::Beyond);
        } else if page.offset < last {
            self.ask_for(last, Purpose::Read);
        } else {
            self.over_full();
        }
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
        self.read.push(PageRead {
            offset: self.offset,
            records: page.records,
            group: page.larger_group(),
            unkeyed: page.unkeyed(),
            keys: keys_of(page).collect(),
        });
    }

    fn ask_for(&mut self, offset: u32, purpose: Purpose) {
        (self.offset, self.purpose) = (offset, purpose);
    }

    fn repeats(&mut self, news: &News) {
        self.doubt(Doubt::Repeats { offset: self.offset, repeated: count(news.repeated) });
    }

    fn over_full(&mut self) {
        let offset = self.read.last().map_or(self.offset, |page| page.offset);
        self.doubt(Doubt::OverFull { offset, records: count(self.seen.len()) });
    }

    fn doubt(&mut self, why: Doubt) {
        self.end = Some(Next::Doubt(why));
    }

    fn whole_unless_total_above(&mut self, kind: EvidenceKind) {
        match self.total_above() {
            // One page and nothing after it: as sure as a window can be read, whatever the total says.
            Some(doubt) if self.read.len() > 1 => self.doubt(doubt),
            _ => self.whole(kind),
        }
    }

    fn total_above(&self) -> Option<Doubt> {
        let total = self.so_far.num_results?;
        let counted = count(self.seen.len()) + self.so_far.unkeyed;
        let above = u64::try_from(total).is_ok_and(|total| total > counted);
        above.then_some(Doubt::TotalAbove { total, distinct_keys: counted })
    }

    fn whole(&mut self, kind: EvidenceKind) {
        let total_disagrees = self.total_above().is_some();
        if total_disagrees {
            self.learned.refute_totals();
        }
        let SoFar { pages, requests, records, num_results, .. } = self.so_far;
        let distinct_keys = count(self.seen.len());
        if self.ask.is_whole(self.window) {
            let both_groups = self.groups.bot_only > 0 && self.groups.conversations > 0;
            let keys = self.seen.iter().copied().collect();
            self.learned.whole(self.window, count_pages(&self.read), keys, both_groups, num_results);
        }
        self.end =
            Some(Next::Whole(Evidence { kind, pages, requests, records, distinct_keys, num_results, total_disagrees }));
    }
}

impl PageRead {
    fn most_of_a_group(&self) -> usize {
        self.group + self.unkeyed
    }

    /// Whether `page` has the same rows in the same order.
    fn repeats(&self, page: &PageFacts) -> bool {
        keys_of(page).eq(self.keys.iter().copied())
    }

    /// Whether the rows of this page that `page` has too stand there in the same order.
    fn is_repeated_in_order(&self, page: &PageFacts) -> bool {
        let known: HashSet<_> = self.keys.iter().copied().collect();
        let mut keys = self.keys.iter();
        keys_of(page).filter(|key| known.contains(key)).all(|key| keys.any(|known| *known == key))
    }
}

fn keys_of(page: &PageFacts) -> impl Iterator<Item = u128> {
    page.rows.iter().map(|row| row.key)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).expect("a count in memory fits 64 bits")
}

fn count_pages(read: &[PageRead]) -> u32 {
    u32::try_from(read.len()).expect("a window has few pages")
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
