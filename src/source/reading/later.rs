//! Pages behind the first.

use super::super::{Doubt, EvidenceKind, PageFacts};
use super::{Groups, News, Pages, Purpose, TELLING_RECORDS, Unit, WindowReading, count};

impl WindowReading {
    /// A later page, where `offset` counts pages or nothing is known yet.
    pub(super) fn at_page(&mut self, page: &PageFacts, news: &News) {
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
        if same && before.repeats(page) && !self.learned.is_trusted(self.offset) {
            // Either the page before was the last, or no offset behind its own is served.
            self.learned.block(self.offset);
            return self.over_full();
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

    /// One page was to answer, and this one holds rows that the first did not: others may have moved between them.
    pub(super) fn at_second_page(&mut self, news: &News) {
        let first = self.read.first().expect("a first page came before");
        if news.repeated == 0 && first.records >= TELLING_RECORDS {
            self.learned.page_ended(first.records);
        }
        self.doubt(Doubt::Full { records: count(self.seen.len()) });
    }

    /// A page that holds none of the rows before.
    pub(super) fn at_next_page(&mut self, page: &PageFacts) {
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
    pub(super) fn at_records(&mut self, page: &PageFacts, news: &News) {
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

    /// The next page where `offset` counts records. Where each group may be a list of its own (F11), no more may be
    /// skipped than the larger group had.
    pub(super) fn ask_for_more_records(&mut self) {
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
}
