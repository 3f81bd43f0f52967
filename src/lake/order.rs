use arrow::array::{Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::interleave_record_batch;

use super::LakeError;
use super::key::{column, text};
use super::partition::{BATCH_BYTES, SORTED_BY, rows_of_bytes};
use super::staging::count;

/// What rows are sorted by: the columns of [`SORTED_BY`], nulls first.
type Place<'a> = (Option<i64>, Option<&'a str>, Option<&'a str>);

/// Rows of several batches, in the order of an object.
pub(super) struct Sorter<'a> {
    batches: Vec<&'a RecordBatch>,
    columns: Vec<PlaceColumns<'a>>,
    row_bytes: u64,
}

struct PlaceColumns<'a> {
    start: &'a TimestampMicrosecondArray,
    session: &'a StringArray,
    conversation: &'a StringArray,
}

impl<'a> Sorter<'a> {
    pub(super) fn new(batches: impl IntoIterator<Item = &'a RecordBatch>) -> Result<Self, LakeError> {
        let batches: Vec<_> = batches.into_iter().collect();
        let bytes: usize = batches.iter().map(|batch| batch.get_array_memory_size()).sum();
        let rows: usize = batches.iter().map(|batch| batch.num_rows()).sum();
        let row_bytes = count(bytes).checked_div(count(rows)).unwrap_or_default();
        let columns = batches.iter().map(|batch| PlaceColumns::of(batch)).collect::<Result<_, _>>()?;
        Ok(Self { batches, columns, row_bytes })
    }

    /// Every row, as its batch and its number there.
    pub(super) fn rows(&self) -> Vec<(usize, usize)> {
        let batches = self.batches.iter().enumerate();
        batches.flat_map(|(number, batch)| (0..batch.num_rows()).map(move |row| (number, row))).collect()
    }

    /// These rows in order, in batches of a size that is quick to work on; rows of one place stay as they are given.
    pub(super) fn sorted(&self, mut rows: Vec<(usize, usize)>) -> Result<Vec<RecordBatch>, LakeError> {
        rows.sort_by(|a, b| self.place(*a).cmp(&self.place(*b)));
        let chunks = rows.chunks(rows_of_bytes(BATCH_BYTES, self.row_bytes));
        chunks.map(|rows| Ok(interleave_record_batch(&self.batches, rows)?)).collect()
    }

    fn place(&self, (batch, row): (usize, usize)) -> Place<'a> {
        self.columns[batch].place(row)
    }
}

impl<'a> PlaceColumns<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, LakeError> {
        let [start, session, conversation] = SORTED_BY;
        Ok(Self {
            start: column(batch, start)?,
            session: column(batch, session)?,
            conversation: column(batch, conversation)?,
        })
    }

    fn place(&self, row: usize) -> Place<'a> {
        (start(self.start, row), text(self.session, row), text(self.conversation, row))
    }
}

/// The first and the last start of rows that are in order.
pub(super) fn starts(batch: &RecordBatch) -> Result<(Option<i64>, Option<i64>), LakeError> {
    let starts: &TimestampMicrosecondArray = column(batch, SORTED_BY[0])?;
    Ok((start(starts, 0), start(starts, starts.len().saturating_sub(1))))
}

/// How many rows of a batch that is in order begin before `time`.
pub(super) fn rows_before(batch: &RecordBatch, time: i64) -> Result<usize, LakeError> {
    let starts: &TimestampMicrosecondArray = column(batch, SORTED_BY[0])?;
    let rows: Vec<_> = (0..starts.len()).map(|row| start(starts, row)).collect();
    Ok(rows.partition_point(|start| *start < Some(time)))
}

fn start(starts: &TimestampMicrosecondArray, row: usize) -> Option<i64> {
    (row < starts.len() && starts.is_valid(row)).then(|| starts.value(row))
}
