use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Float64Array, Int32Array, ListArray, PrimitiveArray,
    RecordBatch, StringViewArray, UInt32Array,
};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{is_not_null, take};
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use datafusion::common::{Result, internal_datafusion_err};

use super::lists::{below, index, non_empty, ranges_of};
use super::outcome::{Outcome, Standing, flag};

pub(super) const TYPE: &str = "destination_type";
pub(super) const QUEUE_ID: &str = "queue_id";
pub(super) const QUEUE_NAME: &str = "queue_name";
pub(super) const ENTER: &str = "enter_time";
pub(super) const CALLBACK: &str = "callback_opted";
pub(super) const ACCEPTED: &str = "responding_agent.accepted_time";
pub(super) const ENDED: &str = "responding_agent.interaction_end_time";
pub(super) const INTERACTION: &str = "responding_agent.interaction_duration";
pub(super) const HOLD: &str = "responding_agent.hold_duration";
pub(super) const AFTER_CALL: &str = "responding_agent.after_call_work_duration";
pub(super) const AGENT_ID: &str = "responding_agent.agent_id";
pub(super) const AGENT_NAME: &str = "responding_agent.name";
pub(super) const CONSULTED: &str = "responding_agent.consulting_agents";
/// A leaf of each consulted agent, for their number.
pub(super) const CONSULTED_ID: &str = "responding_agent.consulting_agents.agent_id";
/// The API names both on the destination and on its agent.
pub(super) const TRANSFER_TIMES: [&str; 2] = ["responding_agent.external_transfer_time", "external_transfer_time"];
pub(super) const TRANSFERS: [&str; 2] =
    ["responding_agent.external_transfer_destination", "external_transfer_destination"];

/// What an outcome rests on beside the list: columns of `_sessions`.
pub(super) const OUTCOME_SESSIONS: [&str; 3] = ["is_open", "is_voicemail", "final_status"];
pub(super) const CONTACT_OUTCOME_SESSIONS: [&str; 4] = ["is_open", "is_voicemail", "final_status", "is_bot_only"];

type Times = PrimitiveArray<TimestampMicrosecondType>;

/// The lists of destinations of a batch, and what follows from neighbours in them. Each part is computed once, when it
/// is asked for, from the leaves that it needs.
pub(super) struct Routing<'a> {
    sessions: &'a RecordBatch,
    /// Where each row's destinations lie among `elements`.
    pub(super) ranges: Vec<Range<usize>>,
    pub(super) elements: ArrayRef,
    entries: OnceCell<Entries>,
    answers: OnceCell<Vec<Option<i64>>>,
}

/// To which queue entry each destination belongs.
pub(super) struct Entries {
    is_entry: Vec<bool>,
    /// Number within its list, 0 before any entry.
    numbers: Vec<i32>,
    /// Index of the entry.
    of: Vec<Option<u32>>,
    is_segment: Vec<bool>,
}

impl Entries {
    /// The API tells two shapes apart; one without a type is taken for a queue entry, one of a third type for neither.
    fn find(ranges: &[Range<usize>], types: &StringViewArray) -> Self {
        let is = |at: usize, shape: &str| types.is_valid(at) && types.value(at) == shape;
        let is_none = |at: usize| types.is_null(at) || types.value(at).is_empty();
        let mut entries = Self {
            is_entry: (0..types.len()).map(|at| is_none(at) || is(at, "QueueEntry")).collect(),
            is_segment: (0..types.len()).map(|at| is(at, "AgentSegment")).collect(),
            numbers: vec![0; types.len()],
            of: vec![None; types.len()],
        };
        for range in ranges {
            let (mut number, mut entry) = (0, None);
            for at in range.clone() {
                if entries.is_entry[at] {
                    (number, entry) = (number + 1, Some(index(at)));
                }
                entries.numbers[at] = number;
                entries.of[at] = entry;
            }
        }
        entries
    }

    pub(super) fn is_entry(&self, at: usize) -> bool {
        self.is_entry[at]
    }

    pub(super) fn last_in(&self, range: &Range<usize>) -> Option<usize> {
        range.clone().rev().find(|at| self.is_entry[*at])
    }

    fn first_in(&self, range: &Range<usize>) -> Option<usize> {
        first(range, |at| self.is_entry[at])
    }
}

impl<'a> Routing<'a> {
    /// `sessions`: the rows, with the columns that are asked for. Nothing is told of rows that are not kept.
    pub(super) fn of(lists: &ListArray, sessions: &'a RecordBatch, is_kept: impl Fn(usize) -> bool) -> Self {
        Self {
            sessions,
            ranges: ranges_of(lists, is_kept),
            elements: Arc::clone(lists.values()),
            entries: OnceCell::new(),
            answers: OnceCell::new(),
        }
    }

    pub(super) fn leaf(&self, path: &str) -> Result<ArrayRef> {
        below(&self.elements, path)
    }

    /// A leaf of texts, without empty ones.
    pub(super) fn texts(&self, path: &str) -> Result<ArrayRef> {
        non_empty(self.leaf(path)?)
    }

    pub(super) fn times(&self, path: &str) -> Result<Times> {
        primitive::<TimestampMicrosecondType>(&self.leaf(path)?)
    }

    pub(super) fn integers(&self, path: &str) -> Result<Int32Array> {
        primitive::<Int32Type>(&self.leaf(path)?)
    }

    pub(super) fn either(&self, [one, other]: [&str; 2]) -> Result<ArrayRef> {
        first_of_two(&self.leaf(one)?, &self.leaf(other)?)
    }

    pub(super) fn either_text(&self, [one, other]: [&str; 2]) -> Result<ArrayRef> {
        first_of_two(&self.texts(one)?, &self.texts(other)?)
    }

    pub(super) fn entries(&self) -> Result<&Entries> {
        if let Some(entries) = self.entries.get() {
            return Ok(entries);
        }
        let types = self.leaf(TYPE)?;
        let types = types.as_string_view_opt().ok_or_else(|| internal_datafusion_err!("expected types as views"))?;
        Ok(self.entries.get_or_init(|| Entries::find(&self.ranges, types)))
    }

    /// When each destination was accepted by an agent who was given the call of its entry: the first of them.
    pub(super) fn reassigned(&self) -> Result<Vec<Option<i64>>> {
        let (entries, accepted) = (self.entries()?, self.times(ACCEPTED)?);
        let mut reassigned = vec![None; accepted.len()];
        for range in &self.ranges {
            let mut start = range.start;
            while start < range.end {
                let end = (start + 1..range.end).find(|at| entries.is_entry[*at]).unwrap_or(range.end);
                let segments = (start..end).filter(|at| entries.is_segment[*at]);
                let earliest = segments.filter_map(|at| value(&accepted, at)).min();
                reassigned[start..end].fill(earliest);
                start = end;
            }
        }
        Ok(reassigned)
    }

    /// When each queue entry was answered, by its own agent or a reassigned one; none for those with another outcome.
    pub(super) fn answers(&self) -> Result<&[Option<i64>]> {
        if let Some(answers) = self.answers.get() {
            return Ok(answers);
        }
        let (entries, accepted, reassigned) = (self.entries()?, self.times(ACCEPTED)?, self.reassigned()?);
        let callbacks = self.callbacks()?;
        let answer = |at: usize| {
            let answered = value(&accepted, at).or(reassigned[at]);
            answered.filter(|_| entries.is_entry[at] && !callbacks(at))
        };
        let answers = (0..accepted.len()).map(answer).collect();
        Ok(self.answers.get_or_init(|| answers))
    }

    fn callbacks(&self) -> Result<impl Fn(usize) -> bool + use<>> {
        let opted = self.leaf(CALLBACK)?.as_boolean_opt().cloned();
        let opted = opted.ok_or_else(|| internal_datafusion_err!("expected `{CALLBACK}` as booleans"))?;
        Ok(move |at| opted.is_valid(at) && opted.value(at))
    }

    /// The outcome of each queue entry. Statuses do not tell whether an agent answered, `accepted_time` does (F22).
    pub(super) fn outcomes(&self) -> Result<Vec<Option<Outcome>>> {
        let (entries, accepted, callbacks) = (self.entries()?, self.times(ACCEPTED)?, self.callbacks()?);
        let (answers, standing) = (self.answers()?, Standing::of(self.sessions)?);
        let mut outcomes = vec![None; accepted.len()];
        for (row, range) in self.ranges.iter().enumerate() {
            let last = entries.last_in(range);
            for at in range.clone().filter(|at| entries.is_entry[*at]) {
                outcomes[at] = Some(match () {
                    () if callbacks(at) => Outcome::Callback,
                    () if accepted.is_valid(at) => Outcome::Answered,
                    () if answers[at].is_some() => Outcome::AnsweredAfterReassignment,
                    () if last != Some(at) => Outcome::MovedOn,
                    () => standing.unserved(row),
                });
            }
        }
        Ok(outcomes)
    }

    /// The outcome of each row: that of its last queue entry, if it has one.
    pub(super) fn contact_outcomes(&self) -> Result<Vec<Option<Outcome>>> {
        let (entries, outcomes, accepted) = (self.entries()?, self.outcomes()?, self.times(ACCEPTED)?);
        let (standing, is_bot_only) = (Standing::of(self.sessions)?, flag(self.sessions, "is_bot_only")?);
        let outcome = |(row, range): (usize, &Range<usize>)| match entries.last_in(range) {
            _ if is_bot_only.value(row) => Some(standing.bot_only(row)),
            Some(last) => outcomes[last],
            None if range.clone().any(|at| accepted.is_valid(at)) => Some(Outcome::Direct),
            None => Some(standing.never_queued(row)),
        };
        Ok(self.ranges.iter().enumerate().map(outcome).collect())
    }

    pub(super) fn is_queue_entry(&self) -> Result<ArrayRef> {
        Ok(Arc::new(BooleanArray::from(self.entries()?.is_entry.clone())))
    }

    pub(super) fn entry_numbers(&self) -> Result<ArrayRef> {
        Ok(Arc::new(Int32Array::from(self.entries()?.numbers.clone())))
    }

    /// A text of each destination, else that of the entry it belongs to.
    pub(super) fn of_entry(&self, path: &str) -> Result<ArrayRef> {
        let (texts, entries) = (self.texts(path)?, self.entries()?);
        let from = entries.of.iter().enumerate();
        let from: UInt32Array =
            from.map(|(at, entry)| if texts.is_valid(at) { Some(index(at)) } else { *entry }).collect();
        Ok(take(&texts, &from, None)?)
    }

    /// Whether each destination has a leg that was accepted and ended.
    pub(super) fn ended_legs(&self) -> Result<impl Fn(usize) -> bool + use<>> {
        let (accepted, ended) = (self.times(ACCEPTED)?, self.times(ENDED)?);
        Ok(move |at| accepted.is_valid(at) && ended.is_valid(at))
    }

    /// How many destinations of each row are so.
    pub(super) fn count(&self, is_so: impl Fn(usize) -> bool) -> ArrayRef {
        self.sum_of_counts(|at| usize::from(is_so(at)))
    }

    pub(super) fn sum_of_counts(&self, count: impl Fn(usize) -> usize) -> ArrayRef {
        let sum = |range: &Range<usize>| range.clone().map(&count).sum::<usize>();
        let sums =
            self.ranges.iter().map(|range| i32::try_from(sum(range)).expect("a row has fewer than 2^31 elements"));
        Arc::new(Int32Array::from_iter_values(sums))
    }

    /// The sum over each row's destinations of what they have; null where none has anything.
    pub(super) fn sum(&self, seconds: impl Fn(usize) -> Option<f64>) -> ArrayRef {
        let sum = |range: &Range<usize>| range.clone().filter_map(&seconds).reduce(|sum, more| sum + more);
        Arc::new(self.ranges.iter().map(sum).collect::<Float64Array>())
    }

    /// The sum of a duration over the legs of each row that were accepted and ended; no duration is 0.
    pub(super) fn sum_of_ended(&self, path: &str) -> Result<ArrayRef> {
        let (is_ended, seconds) = (self.ended_legs()?, self.integers(path)?);
        let seconds = |at| if seconds.is_valid(at) { f64::from(seconds.value(at)) } else { 0.0 };
        Ok(self.sum(|at| is_ended(at).then(|| seconds(at))))
    }

    /// Position of a destination of each row.
    pub(super) fn position(&self, find: impl Fn(&Range<usize>) -> Option<usize>) -> ArrayRef {
        let position = |range: &Range<usize>| {
            let at = find(range)? - range.start + 1;
            Some(i32::try_from(at).expect("a list has fewer than 2^31 elements"))
        };
        Arc::new(self.ranges.iter().map(position).collect::<Int32Array>())
    }

    /// A text of each row's first queue entry.
    pub(super) fn first_queue(&self, path: &str) -> Result<ArrayRef> {
        let entries = self.entries()?;
        self.text_of(path, |range| entries.first_in(range))
    }

    /// A text of the agent who accepted first in each row's list.
    pub(super) fn first_agent(&self, path: &str) -> Result<ArrayRef> {
        let accepted = self.times(ACCEPTED)?;
        self.text_of(path, |range| first(range, |at| accepted.is_valid(at)))
    }

    fn text_of(&self, path: &str, find: impl Fn(&Range<usize>) -> Option<usize>) -> Result<ArrayRef> {
        let chosen: UInt32Array = self.ranges.iter().map(|range| find(range).map(index)).collect();
        Ok(take(&self.texts(path)?, &chosen, None)?)
    }
}

fn primitive<T: ArrowPrimitiveType>(array: &ArrayRef) -> Result<PrimitiveArray<T>> {
    let found = array.as_primitive_opt::<T>().cloned();
    found.ok_or_else(|| internal_datafusion_err!("expected {}, found {}", T::DATA_TYPE, array.data_type()))
}

fn first_of_two(one: &ArrayRef, other: &ArrayRef) -> Result<ArrayRef> {
    if one.null_count() == one.len() {
        return Ok(Arc::clone(other));
    }
    Ok(zip(&is_not_null(one)?, one, other)?)
}

/// The first of a range that is so.
pub(super) fn first(range: &Range<usize>, is_so: impl Fn(usize) -> bool) -> Option<usize> {
    range.clone().find(|at| is_so(*at))
}

pub(super) fn value(times: &Times, at: usize) -> Option<i64> {
    times.is_valid(at).then(|| times.value(at))
}
