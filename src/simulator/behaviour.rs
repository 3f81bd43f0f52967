//! One reading of everything that the documents leave open.

use jiff::Timestamp;

use super::readings::{
    FilterCodes, FilteredTime, FirstPage, NumResults, OffsetUnit, Order, PastEnd, PastMaximum, RangeLimit,
};

/// One reading of what the documents leave open (F3, F4, F8–F12, F17), and what makes windows hard to
/// read. The default is the plainest reading; [`Behaviour::set`] changes one switch by name, and
/// `Display` names what differs from the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// What `offset` counts.
    pub offset: OffsetUnit,
    /// Which `offset` comes first.
    pub first_page: FirstPage,
    /// Largest `offset` that is served (F12); none: any.
    pub max_offset: Option<u32>,
    /// What a larger `offset` answers with.
    pub past_maximum: PastMaximum,
    /// What an `offset` past the last row answers with.
    pub past_end: PastEnd,
    /// Rows of a page, and what a larger `limit` is cut to (F11), without a word.
    pub page_rows: u32,
    /// Order of rows.
    pub order: Order,
    /// What `numResults` says.
    pub num_results: NumResults,
    /// Longest range.
    pub range: RangeLimit,
    /// Whether a time of exactly `endDate` belongs to the window (F17).
    pub last_second_included: bool,
    /// Whether times have milliseconds that windows compare with and rows do not show (F17).
    pub hidden_milliseconds: bool,
    /// Which time of a session windows are about.
    pub filtered: FilteredTime,
    /// What the filter `channels` takes.
    pub codes: FilterCodes,
    /// Whether the undocumented filter `isAutomation` does anything (F3).
    pub is_automation_honoured: bool,
    /// How rows change between requests.
    pub churn: Churn,
    /// Rows that all start in one second.
    pub crowd: Option<Crowd>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            offset: OffsetUnit::Pages,
            first_page: FirstPage::Zero,
            max_offset: Some(10),
            past_maximum: PastMaximum::Refused,
            past_end: PastEnd::Empty,
            page_rows: 100,
            order: Order::TwoGroups,
            num_results: NumResults::Total,
            range: RangeLimit::Hours168,
            last_second_included: true,
            hidden_milliseconds: false,
            filtered: FilteredTime::Start,
            codes: FilterCodes::Differ,
            is_automation_honoured: true,
            churn: Churn::default(),
            crowd: None,
        }
    }
}

/// How rows change between requests for pages, seeded. Each rate is a number of events in a hundred
/// requests: 30 is an event at three requests of ten, 200 are two events at each. The default is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Churn {
    /// Rows that appear late. One row in eight of the stretch is held back for it at the beginning, if
    /// this is not 0; they come one by one, until there are none left.
    pub appearing: u32,
    /// Rows whose content changes (`csatFeedback`).
    pub changing: u32,
    /// Bot-only sessions that become a conversation: their key changes (F20).
    pub moving: u32,
    /// Rows that are gone for good.
    pub vanishing: u32,
    /// Rows that start from the first time up to, not including, the second may change; none: all.
    pub stretch: Option<(Timestamp, Timestamp)>,
}

impl Churn {
    /// Whether no row changes.
    pub fn is_quiet(&self) -> bool {
        [self.appearing, self.changing, self.moving, self.vanishing] == [0; 4]
    }
}

/// Extra rows that start in one second, for windows that are too full however they are cut. They are
/// of every kind, and shared among the streams as all rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crowd {
    /// The second; a fraction of it is cut off.
    pub at: Timestamp,
    /// How many.
    pub rows: u32,
}
