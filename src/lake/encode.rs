use std::sync::Arc;

use arrow::array::RecordBatch;
use object_store::path::Path;
use object_store::{ObjectStore, PutResult};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowSchemaConverter, ArrowWriter};
use parquet::basic::{Compression, Encoding, LogicalType, Type, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use super::partition::{CONTENT_HASH_VERSION, FOLLOWS, RUN_ID, SCHEMA_VERSION, SORTED_BY, WRITER_KEY};
use super::upload::{Known, Upload};
use super::{LakeError, WRITER};
use crate::schema::{RunId, Schema};

/// Rows a row group.
const ROW_GROUP_ROWS: usize = 131_072;
/// Bytes of a row group where rows are large: it is in memory until it is full.
const ROW_GROUP_BYTES: usize = 256 << 20;
/// Text that hardly ever repeats: a dictionary would only cost (measured).
const UNIQUE_TEXT: [&str; 20] = [
    "session_id",
    "conversation_id",
    "user_id",
    "channel_specific_user_id",
    "csat_feedback",
    "disposition_remarks",
    "customer_info.customer_phone",
    "customer_info.customer_email",
    "meta_info.caller",
    "meta_info.user_id",
    "meta_info.id",
    "meta_info.end_user_number",
    "meta_info.phone_number",
    "meta_info.email",
    "meta_info.email_id",
    "meta_info.full_name",
    "meta_info.ip_address",
    "meta_info.identities.val",
    "destinations.responding_agent.agent_notes",
    "destinations.non_responding_agents.agent_notes",
];
/// Numbers of ours that repeat from row to row, for which a dictionary is best.
const REPEATED: [&str; 2] = ["_fetched_at", "_time_zone_offset"];
/// A hash: nothing makes it smaller.
const RANDOM: &str = "_content_hash";

/// Rows to one partition object, encoded off the async threads and sent on as row groups fill.
pub(super) struct PartitionWriter {
    encoder: ArrowWriter<Vec<u8>>,
    object: Upload,
}

impl PartitionWriter {
    /// Nothing is visible at `path` until [`finish`](Self::finish). `follows`: version of the day that the ledger knows.
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        path: Path,
        run: &RunId,
        follows: Option<&str>,
    ) -> Result<Self, LakeError> {
        let schema = Schema::conversations_arrow();
        // Without the Arrow schema in the footer readers take types from Parquet's own, as all engines do.
        let options =
            ArrowWriterOptions::new().with_properties(properties(run, follows)?).with_skip_arrow_metadata(true);
        let encoder = ArrowWriter::try_new_with_options(Vec::new(), schema, options).map_err(LakeError::Encode)?;
        Ok(Self { encoder, object: Upload::new(store, path) })
    }

    pub(super) async fn write(self, batch: RecordBatch) -> Result<Self, LakeError> {
        let Self { mut encoder, object } = self;
        let work = tokio::task::spawn_blocking(move || {
            encoder.write(&batch)?;
            let bytes = std::mem::take(encoder.inner_mut());
            Ok::<_, ParquetError>((encoder, bytes))
        });
        let ((encoder, bytes), object) = encoded(work.await, object).await?;
        Ok(Self { encoder, object: send(object, bytes).await? })
    }

    /// Closes the object, which takes its place now if the one there is still what is `known` of it. Returns its rows.
    pub(super) async fn finish(self, known: &Known) -> Result<(u64, PutResult), LakeError> {
        let Self { mut encoder, object } = self;
        let work = tokio::task::spawn_blocking(move || {
            let rows = encoder.finish()?.file_metadata().num_rows();
            Ok::<_, ParquetError>((rows, std::mem::take(encoder.inner_mut())))
        });
        let ((rows, bytes), object) = encoded(work.await, object).await?;
        let object = send(object, bytes).await?;
        let path = object.path().clone();
        let put = object.finish(known).await.map_err(|source| LakeError::store("write", path.to_string(), source))?;
        Ok((u64::try_from(rows).unwrap_or_default(), put))
    }

    /// Gives the object up.
    pub(super) async fn abort(self) {
        self.object.abort().await;
    }
}

async fn send(object: Upload, bytes: Vec<u8>) -> Result<Upload, LakeError> {
    let path = object.path().clone();
    object.write(bytes.into()).await.map_err(|source| LakeError::store("write", path.to_string(), source))
}

/// What was encoded; where that failed, the object is given up.
async fn encoded<T>(
    done: Result<Result<T, ParquetError>, tokio::task::JoinError>,
    object: Upload,
) -> Result<(T, Upload), LakeError> {
    match done.map_err(|error| ParquetError::External(error.into())).flatten() {
        Ok(done) => Ok((done, object)),
        Err(error) => {
            object.abort().await;
            Err(LakeError::Encode(error))
        }
    }
}

fn properties(run: &RunId, follows: Option<&str>) -> Result<WriterProperties, LakeError> {
    let schema = Schema::conversations();
    let leaves = ArrowSchemaConverter::new().convert(&Schema::conversations_arrow()).map_err(LakeError::Encode)?;
    let footer = [
        (SCHEMA_VERSION, Some(schema.version.to_string())),
        (CONTENT_HASH_VERSION, Some(schema.content_hash_version.to_string())),
        (RUN_ID, Some(run.to_string())),
        (WRITER_KEY, Some(WRITER.to_owned())),
        (FOLLOWS, follows.map(str::to_owned)),
    ];
    let footer = footer.into_iter().filter_map(|(key, value)| Some(KeyValue::new(key.to_owned(), value?)));
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1).map_err(LakeError::Encode)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(sorting_columns(&leaves)))
        .set_key_value_metadata(Some(footer.collect()));
    Ok(leaves.columns().iter().fold(builder, |builder, leaf| leaf_properties(builder, leaf)).build())
}

fn leaf_properties(builder: WriterPropertiesBuilder, leaf: &ColumnDescriptor) -> WriterPropertiesBuilder {
    let path = leaf.path().clone();
    let name = name_of(leaf);
    let builder = if leaf.path().parts().len() > 1 {
        builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::Chunk)
    } else {
        builder
    };
    let json = leaf.logical_type_ref() == Some(&LogicalType::Json);
    let encoding = match leaf.physical_type() {
        _ if REPEATED.contains(&name.as_str()) => return builder,
        _ if name == RANDOM => Encoding::PLAIN,
        Type::INT32 | Type::INT64 => Encoding::DELTA_BINARY_PACKED,
        Type::BYTE_ARRAY if json || UNIQUE_TEXT.contains(&name.as_str()) => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        _ => return builder,
    };
    builder.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, encoding)
}

/// The column's names without those of Parquet's list groups.
fn name_of(leaf: &ColumnDescriptor) -> String {
    let parts = leaf.path().parts().iter().map(String::as_str);
    parts.filter(|part| !["list", "element"].contains(part)).collect::<Vec<_>>().join(".")
}

fn sorting_columns(leaves: &SchemaDescriptor) -> Vec<SortingColumn> {
    let index = |name: &&str| leaves.columns().iter().position(|leaf| name_of(leaf) == **name);
    let columns = SORTED_BY.iter().filter_map(index).filter_map(|index| i32::try_from(index).ok());
    columns.map(|column_idx| SortingColumn { column_idx, descending: false, nulls_first: true }).collect()
}
