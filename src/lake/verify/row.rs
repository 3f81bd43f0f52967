use std::collections::BTreeSet;

use arrow::array::{Array, AsArray, Int32Array, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use object_store::path::Path;

use super::finding::{NAMED_KEYS, time};
use super::{Finding, FindingKind, FoundKey};
use crate::clock::{UtcTime, object_id_time};
use crate::lake::key::{column, text};
use crate::lake::partition::SORTED_BY;
use crate::lake::{LakeError, SessionDate};
use crate::schema::AccountId;

const FLAGS: [&str; 3] = ["start_differs", "end_before_start", "end_shifted"];
const MICROS_PER_SECOND: i64 = 1_000_000;

/// The columns that are checked row by row.
struct CheckedColumns<'a> {
    session: &'a StringArray,
    conversation: &'a StringArray,
    start: &'a TimestampMicrosecondArray,
    end: &'a TimestampMicrosecondArray,
    status: &'a StringArray,
    offset: &'a Int32Array,
    flags: &'a ListArray,
    run: &'a StringArray,
}

/// What is compared of two neighbours: start, session, conversation; none comes first.
type SortKey<'a> = (Option<i64>, &'a str, Option<&'a str>);

/// What the rows of one object show, each by itself and beside its neighbour.
#[derive(Debug)]
pub(super) struct RowChecks {
    date: SessionDate,
    last: Option<(Option<i64>, String, Option<String>)>,
    wrong_day: Tally,
    out_of_order: Tally,
    wrong_flags: [Tally; 3],
    flagged: [Tally; 3],
    /// Runs that the rows name.
    pub runs: BTreeSet<String>,
}

/// Rows of which one thing holds.
#[derive(Debug, Default)]
struct Tally {
    count: u64,
    keys: Vec<FoundKey>,
    /// What was found of the first.
    first: Option<String>,
}

impl<'a> CheckedColumns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, LakeError> {
        Ok(Self {
            session: column(batch, SORTED_BY[1])?,
            conversation: column(batch, SORTED_BY[2])?,
            start: column(batch, SORTED_BY[0])?,
            end: column(batch, "session_end_time")?,
            status: column(batch, "final_status")?,
            offset: column(batch, "_time_zone_offset")?,
            flags: column(batch, "_flags")?,
            run: column(batch, "_run_id")?,
        })
    }

    fn key(&self, row: usize) -> FoundKey {
        FoundKey::of((self.session.value(row), text(self.conversation, row)))
    }

    fn sort_key(&self, row: usize) -> SortKey<'a> {
        (micros(self.start, row), self.session.value(row), text(self.conversation, row))
    }

    /// The day where the row belongs (F15).
    fn start(&self, row: usize) -> Option<UtcTime> {
        object_id_time(self.session.value(row)).or(micros(self.start, row).map(UtcTime::from_micros))
    }

    /// What the clocks say, in the order of [`FLAGS`].
    fn clocks(&self, row: usize) -> [bool; 3] {
        let (start, end) = (micros(self.start, row), micros(self.end, row));
        let of_id = object_id_time(self.session.value(row)).map(UtcTime::micros);
        let length = start.zip(end).map(|(start, end)| end - start);
        let offset = if self.offset.is_valid(row) { i64::from(self.offset.value(row)).abs() } else { 0 };
        let shift = offset * 60 * MICROS_PER_SECOND;
        let bot_only = text(self.conversation, row).is_none_or(str::is_empty) && self.status.is_null(row);
        [
            start.zip(of_id).is_some_and(|(start, of_id)| (start - of_id).abs() > MICROS_PER_SECOND),
            length.is_some_and(|length| length < 0),
            bot_only && shift != 0 && length.is_some_and(|length| length >= shift),
        ]
    }

    fn flags(&self, row: usize) -> [bool; 3] {
        if self.flags.is_null(row) {
            return [false; 3];
        }
        let flags = self.flags.value(row);
        FLAGS.map(|name| flags.as_string::<i32>().iter().flatten().any(|flag| flag == name))
    }
}

impl RowChecks {
    pub(super) fn new(date: SessionDate) -> Self {
        Self {
            date,
            last: None,
            wrong_day: Tally::default(),
            out_of_order: Tally::default(),
            wrong_flags: Default::default(),
            flagged: Default::default(),
            runs: BTreeSet::new(),
        }
    }

    pub(super) fn take(&mut self, batch: &RecordBatch) -> Result<(), LakeError> {
        let columns = CheckedColumns::of(batch)?;
        for row in 0..batch.num_rows() {
            self.order(&columns, row);
            self.day(&columns, row);
            self.clocks(&columns, row);
            if let Some(run) = text(columns.run, row).filter(|run| !self.runs.contains(*run)) {
                self.runs.insert(run.to_owned());
            }
        }
        if let Some(last) = batch.num_rows().checked_sub(1) {
            let (start, session, conversation) = columns.sort_key(last);
            self.last = Some((start, session.to_owned(), conversation.map(str::to_owned)));
        }
        Ok(())
    }

    fn order(&mut self, columns: &CheckedColumns, row: usize) {
        let this = columns.sort_key(row);
        let in_order = match row.checked_sub(1) {
            Some(before) => columns.sort_key(before) <= this,
            None => self.last.as_ref().is_none_or(|(start, session, conversation)| {
                (*start, session.as_str(), conversation.as_deref()) <= this
            }),
        };
        if !in_order {
            self.out_of_order.add(columns.key(row), || time(this.0.map(UtcTime::from_micros)));
        }
    }

    fn day(&mut self, columns: &CheckedColumns, row: usize) {
        let start = columns.start(row);
        if start.is_none_or(|start| start.days() != self.date.days()) {
            self.wrong_day.add(columns.key(row), || time(start));
        }
    }

    fn clocks(&mut self, columns: &CheckedColumns, row: usize) {
        let (said, flags) = (columns.clocks(row), columns.flags(row));
        for index in 0..FLAGS.len() {
            if flags[index] {
                self.flagged[index].add(columns.key(row), String::new);
            }
            if flags[index] != said[index] {
                self.wrong_flags[index].add(columns.key(row), || if flags[index] { "it" } else { "none" }.to_owned());
            }
        }
    }

    /// What does not hold, once all rows were taken.
    pub(super) fn findings(self, account: &AccountId, path: &Path) -> Vec<Finding> {
        let date = self.date;
        let of = |tally: Tally, kind, expected: String, found: &dyn Fn(u64, &str) -> String| {
            let first = tally.first?;
            let finding = Finding::at(kind, Some(account), path, expected, found(tally.count, &first));
            Some(finding.of_rows(tally.count, tally.keys))
        };
        let mut findings = Vec::new();
        findings.extend(of(self.wrong_day, FindingKind::WrongDay, format!("rows of {date}"), &|count, first| {
            format!("{count} of other days, the first of {first}")
        }));
        let order = format!("rows in the order of {}", SORTED_BY.join(", "));
        findings.extend(of(self.out_of_order, FindingKind::OutOfOrder, order, &|count, first| {
            format!("{count} before which a greater one stands, the first of {first}")
        }));
        for ((name, wrong), flagged) in FLAGS.iter().zip(self.wrong_flags).zip(self.flagged) {
            let right = format!("`{name}` where the clocks say so");
            findings.extend(of(wrong, FindingKind::WrongFlag, right, &|count, first| {
                format!("{count} rows where they say other, the first with {first}")
            }));
            let agree = "clocks that agree".to_owned();
            findings.extend(of(flagged, FindingKind::ClocksDisagree, agree, &|count, _| {
                format!("{count} rows flagged `{name}`")
            }));
        }
        findings
    }
}

impl Tally {
    fn add(&mut self, key: FoundKey, found: impl FnOnce() -> String) {
        self.count += 1;
        self.first.get_or_insert_with(found);
        if self.keys.len() < NAMED_KEYS {
            self.keys.push(key);
        }
    }
}

fn micros(column: &TimestampMicrosecondArray, row: usize) -> Option<i64> {
    column.is_valid(row).then(|| column.value(row))
}
