//! The first page, and at which offset it stands (F8).

use super::super::{Doubt, EvidenceKind, PageFacts};
use super::{News, Pages, Purpose, TELLING_RECORDS, Unit, WindowReading, count};

impl WindowReading {
    /// The first page with rows.
    pub(super) fn at_first(&mut self, page: &PageFacts) {
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

    /// Offset 0 alone proves nothing where it is empty: the first page may be 1 (F8).
    pub(super) fn at_nothing_yet(&mut self) {
        match self.offset {
            0 if self.learned.zero_serves() => self.whole(EvidenceKind::EmptyPage),
            0 => self.ask_for(1, Purpose::Read),
            _ if self.learned.first() == 1 => self.whole(EvidenceKind::EmptyPage),
            _ => self.whole(EvidenceKind::NothingAtAll),
        }
    }

    /// Offset 0 gave nothing twice, and offset 1 has rows.
    pub(super) fn begins_at_one(&mut self) {
        if self.learned.zero_serves() {
            return self.doubt(Doubt::MoreFollow { offset: 1 });
        }
        self.learned.first_is_one();
        let first = self.second.take().expect("offset 1 has rows");
        self.ask_for(1, Purpose::Read);
        self.at_first(&first);
    }

    /// Offsets 0 and 1 gave the same rows.
    pub(super) fn at_alike(&mut self, page: &PageFacts, news: &News) {
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
}
