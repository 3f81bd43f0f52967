//! How a window ends: what confirms it, what it comes to.

use super::super::{Doubt, Evidence, EvidenceKind, PageFacts};
use super::{News, Next, Purpose, SoFar, Unit, WindowReading, count};

impl WindowReading {
    pub(super) fn at_empty(&mut self) {
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

    pub(super) fn at_refused_offset(&mut self) {
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

    /// The window has ended; `behind` is an offset that has no rows, if this server serves it.
    pub(super) fn conclude(&mut self, kind: EvidenceKind, behind: u32) {
        if self.learned.is_trusted(self.offset) {
            self.whole_unless_total_above(kind);
        } else {
            self.ask_for(behind, Purpose::Confirm);
        }
    }

    /// An offset behind the last page: the same rows again say that the offset before was not its own either.
    pub(super) fn at_confirm(&mut self, news: &News) {
        let asked = self.read.last().expect("a page is confirmed").offset;
        if news.new > 0 {
            return self.doubt(Doubt::MoreFollow { offset: self.offset });
        }
        self.learned.block(asked);
        self.repeats(news);
    }

    fn confirmed(&mut self) {
        let asked = self.read.last().expect("a page is confirmed").offset;
        self.learned.serves(asked);
        self.whole_unless_total_above(EvidenceKind::ShortPage);
    }

    /// Rows beyond the documented last offset.
    pub(super) fn at_beyond(&mut self, page: &PageFacts, news: &News) {
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

    fn nothing_beyond(&mut self) {
        // Had the page before been another's, this one would be the same.
        let before = self.read.last().expect("a page came before").offset;
        self.learned.serves(before);
        self.learned.block(self.offset);
        self.after_beyond();
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

    pub(super) fn whole_unless_total_above(&mut self, kind: EvidenceKind) {
        match self.total_above() {
            // One page and nothing after it: as sure as a window can be read, whatever the total says.
            Some(doubt) if self.read.len() > 1 => self.doubt(doubt),
            _ => self.whole(kind),
        }
    }

    pub(super) fn total_above(&self) -> Option<Doubt> {
        let total = self.so_far.num_results?;
        let counted = count(self.seen.len()) + self.so_far.unkeyed;
        let above = u64::try_from(total).is_ok_and(|total| total > counted);
        above.then_some(Doubt::TotalAbove { total, distinct_keys: counted })
    }

    pub(super) fn whole(&mut self, kind: EvidenceKind) {
        let total_disagrees = self.total_above().is_some();
        if total_disagrees {
            self.learned.refute_totals();
        }
        let SoFar { pages, requests, records, num_results, .. } = self.so_far;
        let distinct_keys = count(self.seen.len());
        if self.ask.is_whole(self.window) {
            let both_groups = self.groups.bot_only > 0 && self.groups.conversations > 0;
            let pages_with_rows = u32::try_from(self.read.len()).expect("a window has few pages");
            let keys = self.seen.iter().copied().collect();
            self.learned.whole(self.window, pages_with_rows, keys, both_groups, num_results);
        }
        self.end =
            Some(Next::Whole(Evidence { kind, pages, requests, records, distinct_keys, num_results, total_disagrees }));
    }

    pub(super) fn repeats(&mut self, news: &News) {
        self.doubt(Doubt::Repeats { offset: self.offset, repeated: count(news.repeated) });
    }

    pub(super) fn over_full(&mut self) {
        let offset = self.read.last().map_or(self.offset, |page| page.offset);
        self.doubt(Doubt::OverFull { offset, records: count(self.seen.len()) });
    }

    pub(super) fn doubt(&mut self, why: Doubt) {
        self.end = Some(Next::Doubt(why));
    }
}
