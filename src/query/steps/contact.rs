use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use datafusion::common::Result;

use super::columns::leaf_type;
use super::lists::{list_below, ranges};
use super::outcome::named;
use super::routing::{
    ACCEPTED, AFTER_CALL, AGENT_ID, AGENT_NAME, CALLBACK, CONSULTED, CONSULTED_ID, CONTACT_OUTCOME_SESSIONS, ENDED,
    ENTER, HOLD, INTERACTION, QUEUE_ID, QUEUE_NAME, Routing, TRANSFER_TIMES, TRANSFERS, TYPE, first, value,
};
use crate::query::functions::seconds;

/// What is known of a contact by its destinations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Contact {
    QueueEntryCount,
    AnsweredEntryCount,
    TimedEntryCount,
    AnsweredLegCount,
    HandledLegCount,
    ConsultationCount,
    ExternalTransferCount,
    WaitSeconds,
    InteractionSeconds,
    HoldSeconds,
    AfterCallSeconds,
    Outcome,
    LastEntryPosition,
    FirstAnsweredPosition,
    FirstQueueId,
    FirstQueueName,
    FirstAgentId,
    FirstAgentName,
}

impl Contact {
    pub(super) const ALL: [(&str, Self); 18] = [
        ("queue_entry_count", Self::QueueEntryCount),
        ("answered_entry_count", Self::AnsweredEntryCount),
        ("timed_entry_count", Self::TimedEntryCount),
        ("answered_leg_count", Self::AnsweredLegCount),
        ("handled_leg_count", Self::HandledLegCount),
        ("consultation_count", Self::ConsultationCount),
        ("external_transfer_count", Self::ExternalTransferCount),
        ("wait_seconds", Self::WaitSeconds),
        ("interaction_seconds", Self::InteractionSeconds),
        ("hold_seconds", Self::HoldSeconds),
        ("after_call_seconds", Self::AfterCallSeconds),
        ("outcome", Self::Outcome),
        ("last_entry_position", Self::LastEntryPosition),
        ("first_answered_position", Self::FirstAnsweredPosition),
        ("first_queue_id", Self::FirstQueueId),
        ("first_queue_name", Self::FirstQueueName),
        ("first_agent_id", Self::FirstAgentId),
        ("first_agent_name", Self::FirstAgentName),
    ];

    pub(super) fn data_type(self, destinations: &DataType) -> DataType {
        match self {
            Self::WaitSeconds | Self::InteractionSeconds | Self::HoldSeconds | Self::AfterCallSeconds => {
                DataType::Float64
            }
            Self::Outcome => DataType::Utf8View,
            Self::FirstQueueId => leaf_type(destinations, QUEUE_ID),
            Self::FirstQueueName => leaf_type(destinations, QUEUE_NAME),
            Self::FirstAgentId => leaf_type(destinations, AGENT_ID),
            Self::FirstAgentName => leaf_type(destinations, AGENT_NAME),
            _ => DataType::Int32,
        }
    }

    /// The leaves below `destinations` that it rests on.
    pub(super) fn leaves(self) -> &'static [&'static str] {
        match self {
            Self::QueueEntryCount | Self::LastEntryPosition => &[TYPE],
            Self::AnsweredEntryCount | Self::Outcome => &[TYPE, CALLBACK, ACCEPTED],
            Self::TimedEntryCount | Self::WaitSeconds => &[TYPE, CALLBACK, ACCEPTED, ENTER],
            Self::AnsweredLegCount | Self::FirstAnsweredPosition => &[ACCEPTED],
            Self::HandledLegCount => &[ACCEPTED, ENDED],
            Self::ConsultationCount => &[CONSULTED_ID],
            Self::ExternalTransferCount => &[TRANSFER_TIMES[0], TRANSFER_TIMES[1], TRANSFERS[0], TRANSFERS[1]],
            Self::InteractionSeconds => &[ACCEPTED, ENDED, INTERACTION],
            Self::HoldSeconds => &[ACCEPTED, ENDED, HOLD],
            Self::AfterCallSeconds => &[ACCEPTED, ENDED, AFTER_CALL],
            Self::FirstQueueId => &[TYPE, QUEUE_ID],
            Self::FirstQueueName => &[TYPE, QUEUE_NAME],
            Self::FirstAgentId => &[ACCEPTED, AGENT_ID],
            Self::FirstAgentName => &[ACCEPTED, AGENT_NAME],
        }
    }

    /// The columns of `_sessions` that it rests on beside the list.
    pub(super) fn sessions(self) -> &'static [&'static str] {
        if self == Self::Outcome { &CONTACT_OUTCOME_SESSIONS } else { &[] }
    }

    /// A value a row.
    pub(super) fn values(self, of: &Routing) -> Result<ArrayRef> {
        match self {
            Self::QueueEntryCount => {
                let entries = of.entries()?;
                Ok(of.count(|at| entries.is_entry(at)))
            }
            Self::AnsweredEntryCount => {
                let answers = of.answers()?;
                Ok(of.count(|at| answers[at].is_some()))
            }
            Self::TimedEntryCount => {
                let (answers, entered) = (of.answers()?, of.times(ENTER)?);
                Ok(of.count(|at| answers[at].is_some() && entered.is_valid(at)))
            }
            Self::AnsweredLegCount => {
                let accepted = of.times(ACCEPTED)?;
                Ok(of.count(|at| accepted.is_valid(at)))
            }
            Self::HandledLegCount => Ok(of.count(of.ended_legs()?)),
            Self::ConsultationCount => {
                let consulted = ranges(&list_below(&of.elements, CONSULTED)?);
                Ok(of.sum_of_counts(|at| consulted[at].len()))
            }
            Self::ExternalTransferCount => {
                let (times, names) = (of.either(TRANSFER_TIMES)?, of.either_text(TRANSFERS)?);
                Ok(of.count(|at| times.is_valid(at) || names.is_valid(at)))
            }
            Self::WaitSeconds => {
                let (answers, entered) = (of.answers()?, of.times(ENTER)?);
                Ok(of.sum(|at| seconds(value(&entered, at)?, answers[at]?)))
            }
            Self::InteractionSeconds => {
                let (accepted, ended, known) = (of.times(ACCEPTED)?, of.times(ENDED)?, of.integers(INTERACTION)?);
                Ok(of.sum(|at| {
                    let (from, to) = (value(&accepted, at)?, value(&ended, at)?);
                    if known.is_valid(at) { Some(f64::from(known.value(at))) } else { seconds(from, to) }
                }))
            }
            Self::HoldSeconds => of.sum_of_ended(HOLD),
            Self::AfterCallSeconds => of.sum_of_ended(AFTER_CALL),
            Self::Outcome => Ok(named(of.contact_outcomes()?)),
            Self::LastEntryPosition => {
                let entries = of.entries()?;
                Ok(of.position(|range| entries.last_in(range)))
            }
            Self::FirstAnsweredPosition => {
                let accepted = of.times(ACCEPTED)?;
                Ok(of.position(|range| first(range, |at| accepted.is_valid(at))))
            }
            Self::FirstQueueId => of.first_queue(QUEUE_ID),
            Self::FirstQueueName => of.first_queue(QUEUE_NAME),
            Self::FirstAgentId => of.first_agent(AGENT_ID),
            Self::FirstAgentName => of.first_agent(AGENT_NAME),
        }
    }
}
