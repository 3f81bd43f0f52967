use arrow::array::RecordBatch;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::basic::{Compression, Encoding, LogicalType, Type, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};
use rayon::prelude::*;

use super::WRITER;
use super::partition::{CONTENT_HASH_VERSION, FOLLOWS, RUN_ID, SCHEMA_VERSION, SORTED_BY, WRITER_KEY};
use crate::schema::{RunId, Schema};

/// Rows a row group.
const ROW_GROUP_ROWS: usize = 131_072;
/// Bytes of a row group where rows are large: it is in memory until it is full.
const ROW_GROUP_BYTES: usize = 256 << 20;
/// Distinct values of a column are kept up to so many bytes, in place of the values: of the users of a row group all.
const DICTIONARY_BYTES: usize = 4 << 20;
/// Text that does not repeat: a dictionary would only cost.
const UNIQUE_TEXT: [&str; 3] = ["session_id", "conversation_id", "meta_info.identities.val"];
/// Times of ours that repeat from row to row; others hardly do.
const REPEATED_TIME: &str = "_fetched_at";
/// A hash: nothing makes it smaller.
const RANDOM: &str = "_content_hash";

/// Rows to the bytes of a partition object: columns are encoded side by side, on the threads of `rayon`'s pool.
///
/// It holds one row group, encoded; a row group that is full goes to the bytes that [`take`](Self::take) gives.
pub struct PartitionEncoder {
    file: SerializedFileWriter<Vec<u8>>,
    row_groups: ArrowRowGroupWriterFactory,
    /// Of each column the writers of its leaves, for the present row group; empty where none has begun.
    columns: Vec<Vec<ArrowColumnWriter>>,
    rows: usize,
}

impl PartitionEncoder {
    /// An encoder of rows under [`Schema::conversations_arrow`], in the order of an object. `follows`: version of the day
    /// that the ledger knows, for the footer.
    ///
    /// # Errors
    /// Parquet does not take the schema or a setting: a fault of the program.
    pub fn new(run: &RunId, follows: Option<&str>) -> Result<Self, ParquetError> {
        let schema = Schema::conversations_arrow();
        let leaves = ArrowSchemaConverter::new().convert(&schema)?;
        let properties = properties(&leaves, run, follows)?;
        // The Arrow schema is not put into the footer, so readers take types from Parquet's own, as all engines do.
        let file = SerializedFileWriter::new(Vec::new(), leaves.root_schema_ptr(), properties.into())?;
        let row_groups = ArrowRowGroupWriterFactory::new(&file, schema);
        Ok(Self { file, row_groups, columns: Vec::new(), rows: 0 })
    }

    /// Encodes rows; about 2,000 at a time are quickest.
    ///
    /// # Errors
    /// The rows are not under the schema. The encoder cannot be used any more.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ParquetError> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let room = ROW_GROUP_ROWS - self.rows;
        if batch.num_rows() > room {
            self.write(&batch.slice(0, room))?;
            return self.write(&batch.slice(room, batch.num_rows() - room));
        }
        if self.columns.is_empty() {
            self.begin_row_group()?;
        }
        let fields = batch.schema_ref().fields();
        let columns = fields.par_iter().zip(batch.columns()).zip(&mut self.columns).with_max_len(1);
        columns.try_for_each(|((field, array), writers)| {
            let leaves = compute_leaves(field, array)?;
            writers.par_iter_mut().zip(leaves).with_max_len(1).try_for_each(|(writer, leaf)| writer.write(&leaf))
        })?;
        self.rows += batch.num_rows();
        let bytes = self.columns.iter().flatten().map(ArrowColumnWriter::get_estimated_total_bytes).sum::<usize>();
        if self.rows == ROW_GROUP_ROWS || bytes >= ROW_GROUP_BYTES { self.end_row_group() } else { Ok(()) }
    }

    /// The bytes that are complete and were not taken yet.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.file.inner_mut())
    }

    /// Ends the object; its last bytes are there to be taken. Returns its rows.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn finish(&mut self) -> Result<u64, ParquetError> {
        self.end_row_group()?;
        let rows = self.file.finish()?.file_metadata().num_rows();
        Ok(u64::try_from(rows).unwrap_or_default())
    }

    fn begin_row_group(&mut self) -> Result<(), ParquetError> {
        let mut writers = self.row_groups.create_column_writers(self.file.flushed_row_groups().len())?.into_iter();
        let leaves = self.file.schema_descr();
        let roots = (0..leaves.num_columns()).map(|leaf| leaves.get_column_root_idx(leaf));
        self.columns = Vec::new();
        for root in roots {
            if root == self.columns.len() {
                self.columns.push(Vec::new());
            }
            self.columns[root].extend(writers.next());
        }
        Ok(())
    }

    fn end_row_group(&mut self) -> Result<(), ParquetError> {
        if self.columns.is_empty() {
            return Ok(());
        }
        let writers: Vec<_> = std::mem::take(&mut self.columns).into_iter().flatten().collect();
        // Appended chunk by chunk, the bytes would grow to twice their size.
        self.file.inner_mut().reserve(writers.iter().map(ArrowColumnWriter::get_estimated_total_bytes).sum());
        let chunks = writers.into_par_iter().map(ArrowColumnWriter::close).collect::<Result<Vec<_>, _>>()?;
        let mut row_group = self.file.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut row_group)?;
        }
        row_group.close()?;
        self.rows = 0;
        Ok(())
    }
}

fn properties(leaves: &SchemaDescriptor, run: &RunId, follows: Option<&str>) -> Result<WriterProperties, ParquetError> {
    let schema = Schema::conversations();
    let footer = [
        (SCHEMA_VERSION, Some(schema.version.to_string())),
        (CONTENT_HASH_VERSION, Some(schema.content_hash_version.to_string())),
        (RUN_ID, Some(run.to_string())),
        (WRITER_KEY, Some(WRITER.to_owned())),
        (FOLLOWS, follows.map(str::to_owned)),
    ];
    let footer = footer.into_iter().filter_map(|(key, value)| Some(KeyValue::new(key.to_owned(), value?)));
    let builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(sorting_columns(leaves)))
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
    let (encoding, has_dictionary) = match leaf.physical_type() {
        _ if name == RANDOM => (Encoding::PLAIN, false),
        Type::INT32 => (Encoding::DELTA_BINARY_PACKED, true),
        Type::INT64 => (Encoding::DELTA_BINARY_PACKED, name == REPEATED_TIME),
        Type::BYTE_ARRAY => {
            let json = leaf.logical_type_ref() == Some(&LogicalType::Json);
            (Encoding::DELTA_LENGTH_BYTE_ARRAY, !json && !UNIQUE_TEXT.contains(&name.as_str()))
        }
        _ => return builder,
    };
    // Where there is a dictionary, the encoding is for what it has no room for.
    builder.set_column_dictionary_enabled(path.clone(), has_dictionary).set_column_encoding(path, encoding)
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
