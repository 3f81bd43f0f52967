use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use datafusion::common::Result;

use super::columns::{leaf_type, moment};
use super::lists::positions;
use super::outcome::named;
use super::routing::{
    ACCEPTED, AFTER_CALL, AGENT_ID, AGENT_NAME, CALLBACK, ENDED, ENTER, HOLD, INTERACTION, OUTCOME_SESSIONS, QUEUE_ID,
    QUEUE_NAME, Routing, TRANSFER_TIMES, TRANSFERS, TYPE,
};

/// What is known of a destination by its list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Destination {
    Position,
    IsQueueEntry,
    EntryNumber,
    ReassignedAcceptedTime,
    /// A text of the destination, else that of the queue entry it belongs to.
    OfEntry(&'static str),
    Outcome,
    /// The leaf at a path.
    Leaf(&'static str),
    /// The text at a path, if it is not empty.
    Text(&'static str),
    /// The first of two leaves that is there.
    Either(&'static [&'static str; 2]),
    /// The first of two texts that is not empty.
    EitherText(&'static [&'static str; 2]),
}

impl Destination {
    pub(super) const ALL: [(&str, Self); 29] = [
        ("destination_position", Self::Position),
        ("is_queue_entry", Self::IsQueueEntry),
        ("entry_number", Self::EntryNumber),
        ("reassigned_accepted_time", Self::ReassignedAcceptedTime),
        ("leg_queue_id", Self::OfEntry(QUEUE_ID)),
        ("leg_queue_name", Self::OfEntry(QUEUE_NAME)),
        ("outcome", Self::Outcome),
        ("queue_id", Self::Text(QUEUE_ID)),
        ("queue_name", Self::Text(QUEUE_NAME)),
        ("enter_time", Self::Leaf(ENTER)),
        ("callback_opted", Self::Leaf(CALLBACK)),
        ("callback_opted_time", Self::Leaf("callback_opted_time")),
        ("user_callback_accept_time", Self::Leaf("user_callback_accept_time")),
        ("callback_initiated_time", Self::Leaf("callback_initiated_time")),
        ("external_transfer_time", Self::Either(&TRANSFER_TIMES)),
        ("external_transfer_destination", Self::EitherText(&TRANSFERS)),
        ("agent_id", Self::Text(AGENT_ID)),
        ("agent_name", Self::Text(AGENT_NAME)),
        ("agent_email", Self::Text("responding_agent.email")),
        ("status", Self::Leaf("responding_agent.status")),
        ("assigned_at", Self::Leaf("responding_agent.assigned_at")),
        ("accepted_time", Self::Leaf(ACCEPTED)),
        ("first_response_time", Self::Leaf("responding_agent.first_response_time")),
        ("first_response_duration", Self::Leaf("responding_agent.first_response_duration")),
        ("interaction_end_time", Self::Leaf(ENDED)),
        ("interaction_duration", Self::Leaf(INTERACTION)),
        ("hold_duration", Self::Leaf(HOLD)),
        ("after_call_work_duration", Self::Leaf(AFTER_CALL)),
        ("after_call_work_end_time", Self::Leaf("responding_agent.after_call_work_end_time")),
    ];

    /// `destinations`: type of the list.
    pub(super) fn data_type(self, destinations: &DataType) -> DataType {
        match self {
            Self::Position | Self::EntryNumber => DataType::Int32,
            Self::IsQueueEntry => DataType::Boolean,
            Self::ReassignedAcceptedTime => moment(),
            Self::Outcome => DataType::Utf8View,
            Self::Leaf(path) | Self::Text(path) | Self::OfEntry(path) => leaf_type(destinations, path),
            Self::Either([path, _]) | Self::EitherText([path, _]) => leaf_type(destinations, path),
        }
    }

    /// The leaves below `destinations` that it rests on.
    pub(super) fn leaves(self) -> Vec<&'static str> {
        match self {
            Self::Position => Vec::new(),
            Self::IsQueueEntry | Self::EntryNumber => vec![TYPE],
            Self::ReassignedAcceptedTime => vec![TYPE, ACCEPTED],
            Self::OfEntry(path) => vec![TYPE, path],
            Self::Outcome => vec![TYPE, CALLBACK, ACCEPTED],
            Self::Leaf(path) | Self::Text(path) => vec![path],
            Self::Either(paths) | Self::EitherText(paths) => paths.to_vec(),
        }
    }

    /// The columns of `_sessions` that it rests on beside the list.
    pub(super) fn sessions(self) -> &'static [&'static str] {
        if self == Self::Outcome { &OUTCOME_SESSIONS } else { &[] }
    }

    /// A value an element of all lists.
    pub(super) fn values(self, of: &Routing) -> Result<ArrayRef> {
        match self {
            Self::Position => {
                let mut places = vec![0; of.elements.len()];
                of.ranges.iter().flat_map(|range| range.clone().enumerate()).for_each(|(place, at)| places[at] = place);
                Ok(positions(places.into_iter()))
            }
            Self::IsQueueEntry => of.is_queue_entry(),
            Self::EntryNumber => of.entry_numbers(),
            Self::ReassignedAcceptedTime => {
                let times = TimestampMicrosecondArray::from(of.reassigned()?);
                Ok(Arc::new(times.with_timezone("UTC")))
            }
            Self::OfEntry(path) => of.of_entry(path),
            Self::Outcome => Ok(named(of.outcomes()?)),
            Self::Leaf(path) => of.leaf(path),
            Self::Text(path) => of.texts(path),
            Self::Either(paths) => of.either(*paths),
            Self::EitherText(paths) => of.either_text(*paths),
        }
    }
}
