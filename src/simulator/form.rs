//! What a row is at one moment: its own chance decides the rest.

use super::dice::Dice;
use super::story::{Kind, topic};
use super::timeline::Row;
use super::unfold;

/// What a row's content hangs on besides its own chance. The default: no clock, no change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Form {
    /// Second since 1970 that the clock shows; none: there is no clock.
    pub(super) now: Option<i64>,
    /// Whether a bot-only session has become a conversation.
    pub(super) moved: bool,
    /// How often the content was changed.
    pub(super) edits: u32,
}

impl Form {
    /// Everything over that the clock brings.
    pub(super) const SETTLED: Self = Self { now: Some(i64::MAX), moved: false, edits: 0 };

    /// Whether the row has no conversation, told without its story.
    pub(super) fn is_bot_only(self, row: Row, dice: &Dice) -> bool {
        match Kind::of(row, dice) {
            Kind::Session | Kind::SideSession => !self.moved,
            Kind::Inbound => self.now.is_some_and(|now| now < unfold::handover(row, dice)),
            Kind::Outbound => false,
        }
    }
}

/// Milliseconds of a row's time that no row shows (F17).
pub(super) fn hidden_millis(row: Row, dice: &Dice) -> i64 {
    super::story::row_dice(row, dice).fork(topic::MILLIS).between(0, 999)
}
