use std::collections::{BTreeSet, HashMap};

use arrow::array::{Array, RecordBatch};
use arrow::compute::interleave;
use futures::TryStreamExt;

use super::LakeError;
use super::day_fates::DayFates;
use super::key::{KEY_COLUMNS, KeyColumns, KeyHash};
use super::partition::Partition;

/// Stored values of columns whose field the server refused by name, of the rows that are replaced.
#[derive(Debug, Default)]
pub(super) struct KeptValues {
    batches: Vec<RecordBatch>,
    /// Batch and row of a key.
    places: HashMap<KeyHash, (usize, usize)>,
}

impl KeptValues {
    /// Reads what must be kept of a partition.
    pub(super) async fn read(
        partition: Partition,
        columns: &BTreeSet<&str>,
        fates: &DayFates,
    ) -> Result<Self, LakeError> {
        let mut kept = Self::default();
        let names: Vec<_> = columns.iter().copied().chain(KEY_COLUMNS).collect();
        let mut batches = Box::pin(partition.stream(Some(&names))?);
        let mut next = 0;
        while let Some(batch) = batches.try_next().await? {
            let replaced = fates.replaced(&batch, next)?;
            next += u64::try_from(batch.num_rows()).unwrap_or_default();
            for (row, key) in KeyColumns::of(&replaced)?.rows().enumerate() {
                kept.places.insert(key.key, (kept.batches.len(), row));
            }
            if replaced.num_rows() > 0 {
                kept.batches.push(replaced);
            }
        }
        Ok(kept)
    }

    /// Puts the kept values into rows that were read without these columns.
    pub(super) fn restore(&self, batch: RecordBatch, columns: &[String]) -> Result<RecordBatch, LakeError> {
        if self.places.is_empty() || columns.is_empty() {
            return Ok(batch);
        }
        let place =
            |(row, key): (usize, KeyHash)| self.places.get(&key).map_or((0, row), |(batch, row)| (batch + 1, *row));
        let keys = KeyColumns::of(&batch)?;
        let places: Vec<_> = keys.rows().map(|row| row.key).enumerate().map(place).collect();
        let schema = batch.schema();
        let mut arrays = batch.columns().to_vec();
        for name in columns {
            let Ok(index) = schema.index_of(name) else { continue };
            let stored = self.batches.iter().filter_map(|batch| batch.column_by_name(name));
            let sources: Vec<&dyn Array> = std::iter::once(&arrays[index]).chain(stored).map(AsRef::as_ref).collect();
            arrays[index] = interleave(&sources, &places)?;
        }
        Ok(RecordBatch::try_new(schema, arrays)?)
    }
}
