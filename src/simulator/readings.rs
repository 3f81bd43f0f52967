//! The readings that the documents leave open: one small type for each unknown, with the words that
//! switches call them by.

macro_rules! readings {
    ($(
        $(#[$about:meta])*
        $name:ident { $( $(#[$says:meta])* $reading:ident = $word:literal, )+ }
    )+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub enum $name { $( $(#[$says])* $reading, )+ }

        impl $name {
            /// The words of all readings, in order.
            pub const WORDS: &'static [&'static str] = &[$($word),+];

            /// The reading that `word` calls.
            pub fn named(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$reading),)+
                    _ => None,
                }
            }

            /// The word of this reading.
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$reading => $word,)+
                }
            }
        }
    )+};
}

readings! {
    /// What `offset` counts (F8).
    OffsetUnit {
        /// Pages.
        #[default]
        Pages = "pages",
        /// Rows.
        Records = "records",
    }

    /// Which `offset` has the first page, or with [`OffsetUnit::Records`] the first row (F8).
    FirstPage {
        /// 0.
        #[default]
        Zero = "zero",
        /// 1; 0 answers like 1.
        OneZeroAlike = "one-zero-alike",
        /// 1; 0 answers with an empty page.
        OneZeroEmpty = "one-zero-empty",
        /// 1; 0 is refused with 400.
        OneZeroRefused = "one-zero-refused",
    }

    /// What an `offset` above the largest one answers with (F10).
    PastMaximum {
        /// 400.
        #[default]
        Refused = "refused",
        /// A page without rows.
        Empty = "empty",
        /// The last page of the window, even if pages before it are beyond the largest offset.
        LastPage = "last",
        /// What the largest offset answers with.
        Clamped = "clamped",
    }

    /// What an `offset` past the last row answers with (F10).
    PastEnd {
        /// A page without rows.
        #[default]
        Empty = "empty",
        /// The last page that has rows, again.
        LastPage = "last",
    }

    /// What `numResults` says (F9).
    NumResults {
        /// Rows of the window.
        #[default]
        Total = "total",
        /// Rows of the page.
        PageLength = "page",
    }

    /// Order of the rows of a window (F11).
    Order {
        /// One list, by start.
        Ascending = "ascending",
        /// One list, latest start first.
        Descending = "descending",
        /// One list, without rule, the same at every request.
        Shuffled = "shuffled",
        /// One list, without rule, another at every request.
        Reshuffled = "reshuffled",
        /// One list: bot-only sessions ascending, then conversations descending.
        #[default]
        TwoGroups = "two-groups",
        /// As `TwoGroups`, but two lists: limit and offset count in each of them, and a page may hold
        /// twice the limit.
        TwoGroupsEach = "two-groups-each",
    }

    /// Longest range of a request (F4).
    RangeLimit {
        /// Seven times 24 hours from start to end.
        #[default]
        Hours168 = "168h",
        /// Seven dates, of the zone asked for, that the range touches.
        CalendarDays7 = "7-dates",
    }

    /// Which time of a session the range is about (F17).
    FilteredTime {
        /// Its start.
        #[default]
        Start = "start",
        /// Its end; a session without one is in no range.
        End = "end",
    }

    /// What the filter `channels` takes (F3).
    FilterCodes {
        /// Codes (`rtm`) that may differ from the values in rows (`Web/Mobile Client`).
        #[default]
        Differ = "differ",
        /// The values in rows.
        Same = "same",
    }
}
