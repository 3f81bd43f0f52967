use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::{Stream, StreamExt};
use object_store::ObjectMeta;
use parquet::arrow::ProjectionMask;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;

use super::difference::difference;
use super::pinned::PinnedObject;
use super::{DayState, Lake, LakeError};
use crate::schema::Schema;

/// Order of the rows of an object, nulls first.
pub(super) const SORTED_BY: [&str; 3] = ["session_start_time", "session_id", "conversation_id"];

/// Keys of an object's footer.
pub(crate) const SCHEMA_VERSION: &str = "kore_lake.schema_version";
pub(super) const CONTENT_HASH_VERSION: &str = "kore_lake.content_hash_version";
pub(super) const RUN_ID: &str = "kore_lake.run_id";
pub(super) const WRITER_KEY: &str = "kore_lake.writer";
/// `ETag` of the version that the ledger knew when this one was made; absent where it knew none.
pub(super) const FOLLOWS: &str = "kore_lake.follows";

/// Rows a batch: large enough to be quick, small enough that wide rows stay small in memory.
const BATCH_ROWS: usize = 2_048;
/// Bytes of a batch: fewer rows where they are large.
pub(super) const BATCH_BYTES: u64 = 8 << 20;

/// One version of a partition object, its footer read and found to be ours.
pub(super) struct Partition {
    meta: ObjectMeta,
    builder: ParquetRecordBatchStreamBuilder<PinnedObject>,
    schema_version: u32,
}

impl Partition {
    /// A partition under the present schema.
    pub(super) async fn open(lake: &Lake, meta: &ObjectMeta) -> Result<Self, LakeError> {
        let partition = Self::open_older(lake, meta).await?;
        let expected = Schema::conversations().version;
        if partition.schema_version == expected {
            return Ok(partition);
        }
        let (path, found) = (meta.location.to_string(), partition.schema_version);
        Err(LakeError::OtherSchema { path, found, expected })
    }

    /// A partition under the present schema or an older one.
    pub(super) async fn open_older(lake: &Lake, meta: &ObjectMeta) -> Result<Self, LakeError> {
        let reader = PinnedObject::new(Arc::clone(lake.store()), meta.clone());
        let builder = ParquetRecordBatchStreamBuilder::new(reader).await.map_err(|error| unreadable(meta, error))?;
        let partition = Self { meta: meta.clone(), builder, schema_version: 0 };
        Ok(Self { schema_version: partition.check()?, ..partition })
    }

    /// Version of the schema that the rows are under.
    pub(super) fn schema_version(&self) -> u32 {
        self.schema_version
    }

    /// Whether that is the present one.
    pub(super) fn is_current(&self) -> bool {
        self.schema_version == Schema::conversations().version
    }

    /// What the ledger keeps of the object.
    pub(super) fn state(&self) -> DayState {
        let rows = self.builder.metadata().file_metadata().num_rows();
        DayState {
            etag: self.meta.e_tag.clone(),
            rows: u64::try_from(rows).unwrap_or_default(),
            bytes: self.meta.size,
            run_id: self.footer(RUN_ID).map(str::to_owned),
        }
    }

    /// Whether it is what a commit made that `known` was the ledger's version for, and which has not come to the ledger
    /// yet; or that version itself, where the lake was copied. Any other was written by a writer that had lost its lock
    /// while its put was under way, or by hand.
    pub(super) fn follows(&self, known: Option<&DayState>) -> bool {
        let of_ledger = known.and_then(|known| known.run_id.as_deref());
        let is_copied = of_ledger.is_some() && of_ledger == self.footer(RUN_ID);
        is_copied || self.footer(FOLLOWS) == known.and_then(|known| known.etag.as_deref())
    }

    /// The rows, in the object's order: all columns, or those named (in the schema's order).
    pub(super) fn stream(
        self,
        columns: Option<&[&str]>,
    ) -> Result<impl Stream<Item = Result<RecordBatch, LakeError>> + Send + 'static, LakeError> {
        let rows = rows_of_bytes(BATCH_BYTES, self.row_bytes());
        let Self { meta, mut builder, .. } = self;
        if let Some(names) = columns {
            let mask = ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
            builder = builder.with_projection(mask);
        }
        let stream = builder.with_batch_size(rows).build().map_err(|error| unreadable(&meta, error))?;
        Ok(stream.map(move |batch| batch.map_err(|error| unreadable(&meta, error))))
    }

    /// Bytes of a row, unpacked; of a column that repeats itself each value counts once.
    fn row_bytes(&self) -> u64 {
        let metadata = self.builder.metadata();
        let bytes = metadata.row_groups().iter().map(RowGroupMetaData::total_byte_size).sum::<i64>();
        u64::try_from(bytes).unwrap_or_default().checked_div(self.state().rows).unwrap_or_default()
    }

    pub(super) fn footer(&self, key: &str) -> Option<&str> {
        let pairs = self.builder.metadata().file_metadata().key_value_metadata()?;
        pairs.iter().find(|pair| pair.key == key)?.value.as_deref()
    }

    /// The schema version, where it is none that this program does not know.
    fn check(&self) -> Result<u32, LakeError> {
        let path = self.meta.location.to_string();
        let expected = Schema::conversations().version;
        let Some(found) = self.footer(SCHEMA_VERSION).and_then(|text| text.parse().ok()) else {
            return Err(LakeError::ForeignPartition { path, found: format!("no `{SCHEMA_VERSION}` in its footer") });
        };
        if found > expected {
            return Err(LakeError::OtherSchema { path, found, expected });
        }
        if found == expected && self.builder.schema().fields() != Schema::conversations_arrow().fields() {
            let found = difference(self.builder.schema().fields(), Schema::conversations_arrow().fields());
            return Err(LakeError::ForeignPartition { path, found });
        }
        Ok(found)
    }
}

/// Rows of a batch that takes about so many bytes, at least one and no more than [`BATCH_ROWS`].
pub(super) fn rows_of_bytes(bytes: u64, row_bytes: u64) -> usize {
    let rows = bytes.checked_div(row_bytes).and_then(|rows| usize::try_from(rows).ok());
    rows.unwrap_or(BATCH_ROWS).clamp(1, BATCH_ROWS)
}

/// Reads the footer of a partition.
pub(super) async fn state(lake: &Lake, meta: &ObjectMeta) -> Result<DayState, LakeError> {
    Ok(Partition::open(lake, meta).await?.state())
}

/// Tells a store that fails from an object that is damaged.
fn unreadable(meta: &ObjectMeta, error: ParquetError) -> LakeError {
    let path = meta.location.to_string();
    match error {
        ParquetError::External(source) => match source.downcast::<object_store::Error>() {
            Ok(source) => LakeError::Store { operation: "read", path, source: *source },
            Err(source) => LakeError::CorruptPartition { path, source: ParquetError::External(source) },
        },
        source => LakeError::CorruptPartition { path, source },
    }
}
