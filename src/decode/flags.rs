use crate::clock::UtcTime;

/// What the clocks of a record say.
pub(super) struct Clocks {
    /// Time in the session id (F15), where usable.
    pub(super) of_id: Option<UtcTime>,
    pub(super) start: Option<UtcTime>,
    pub(super) end: Option<UtcTime>,
    pub(super) offset_minutes: i32,
    /// Whether the record has neither a conversation nor a final status.
    pub(super) bot_only_without_status: bool,
}

/// Which clocks of a record disagree. They are flagged, never repaired (F16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flags {
    start_differs: bool,
    end_before_start: bool,
    end_shifted: bool,
}

const MICROS_PER_SECOND: i64 = 1_000_000;

impl Clocks {
    pub(super) fn flags(&self) -> Flags {
        let apart = |from: Option<UtcTime>, to: Option<UtcTime>| Some(to?.micros() - from?.micros());
        let start_apart = apart(self.of_id, self.start);
        let length = apart(self.start, self.end);
        let shift = i64::from(self.offset_minutes).abs() * 60 * MICROS_PER_SECOND;
        Flags {
            start_differs: start_apart.is_some_and(|apart| apart.abs() > MICROS_PER_SECOND),
            end_before_start: length.is_some_and(|length| length < 0),
            end_shifted: self.bot_only_without_status && shift != 0 && length.is_some_and(|length| length >= shift),
        }
    }
}

impl Flags {
    /// Their names, in the order of the schema.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        let named = [
            ("start_differs", self.start_differs),
            ("end_before_start", self.end_before_start),
            ("end_shifted", self.end_shifted),
        ];
        named.into_iter().filter_map(|(name, set)| set.then_some(name))
    }
}
