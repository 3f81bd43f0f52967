use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, StringArray, StructArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Fields, Int32Type, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::column::{ColumnDecoder, Taken};
use super::error::DecodeError;
use super::object::ObjectDecoder;
use super::record::{Purpose, RecordError, RecordWriter};
use super::scan::Scan;
use crate::schema::{Column, Kind, Schema};

/// Rows that were brought under the present schema.
#[derive(Debug, Clone)]
pub struct Lifted {
    /// The rows, in the order in which they came, under [`Schema::conversations_arrow`].
    pub rows: RecordBatch,
    /// Values in columns that the older schema lacked, at any depth; a struct counts once.
    pub values: u64,
}

/// Rows that cannot be brought under the present schema without losing something. No retry helps.
#[derive(Debug, thiserror::Error)]
pub enum LiftError {
    /// The rows have a column that the present schema lacks.
    #[error("expected columns of schema version {version}, found `{column}`")]
    Unknown {
        /// Path of the column.
        column: String,
        /// The present version.
        version: u32,
    },
    /// A column has another type, or what stands in it is no JSON.
    #[error("cannot write a row as a record")]
    Record(#[from] RecordError),
    /// The record of a row cannot be decoded again.
    #[error("cannot decode the record of row {row}")]
    Decode {
        /// Row in the batch, from 0.
        row: usize,
        /// Why.
        source: DecodeError,
    },
    /// A row would have another key or start: it would no longer stand where it belongs.
    #[error("expected row {row} to keep its `{column}`, found another value")]
    Moved {
        /// Row in the batch, from 0.
        row: usize,
        /// The column.
        column: &'static str,
    },
    /// A column of ours has a type that cannot be taken.
    #[error("cannot take over a column")]
    Column(#[from] ArrowError),
}

/// Brings rows that were written under an older schema under the present one.
///
/// Columns that the rows lack, at any depth, take what lies for them in `extra`, by the rules by which a page
/// is decoded; what does not fit stays in `extra`, and where there is nothing they are null. The columns of
/// ours (`_…`) stay as they are: the hash is of the record as it came. For rows under the present schema
/// nothing changes.
///
/// # Errors
/// [`LiftError`]: nothing of the batch can be used. No retry helps.
pub fn lift(batch: &RecordBatch) -> Result<Lifted, LiftError> {
    let schema = Schema::conversations();
    check_known("", &schema.columns, batch.schema_ref().fields(), schema.version)?;
    let record = decode_again(batch, schema)?;
    let values = new_values(batch.schema_ref().fields(), &record);
    let mut columns = record.columns().to_vec();
    for field in &Schema::conversations_arrow().fields()[columns.len()..] {
        columns.push(stored(batch, field.name(), field.data_type())?);
    }
    Ok(Lifted { rows: RecordBatch::try_new(Schema::conversations_arrow(), columns)?, values })
}

/// Writes each row as its record, and takes that as a page's.
fn decode_again(batch: &RecordBatch, schema: &'static Schema) -> Result<StructArray, LiftError> {
    let writer = RecordWriter::bind(batch, Purpose::Lift)?;
    let offsets = stored(batch, "_time_zone_offset", &DataType::Int32)?;
    let offsets: &Int32Array = offsets.as_primitive::<Int32Type>();
    let places = Places::of(batch, schema)?;
    let mut decoder = ObjectDecoder::new(&schema.columns);
    let mut record = Vec::new();
    for row in 0..batch.num_rows() {
        record.clear();
        writer.write(row, &mut record)?;
        let text = std::str::from_utf8(&record).expect("a record is written as UTF-8");
        let offset_minutes = if offsets.is_valid(row) { offsets.value(row) } else { 0 };
        let mut scan = Scan::new(text, offset_minutes);
        let taken = decoder.decode(row, &mut scan);
        let taken = taken.map_err(|failed| LiftError::Decode { row, source: scan.error(failed) })?;
        debug_assert!(matches!(taken, Taken::Fits(_)));
        places.check(&decoder, row)?;
    }
    Ok(decoder.finish(batch.num_rows()).as_struct().clone())
}

/// What says in which object, and where in it, a row stands.
struct Places {
    texts: [(&'static str, usize, StringArray); 2],
    start: (&'static str, usize, TimestampMicrosecondArray),
}

impl Places {
    fn of(batch: &RecordBatch, schema: &Schema) -> Result<Self, LiftError> {
        let position = |name: &str| {
            let found = schema.columns.iter().position(|column| column.name == name);
            found.unwrap_or_else(|| panic!("the schema has no column `{name}`"))
        };
        let text = |name: &'static str| {
            let texts = stored(batch, name, &DataType::Utf8)?;
            Ok::<_, LiftError>((name, position(name), texts.as_string::<i32>().clone()))
        };
        let start = "session_start_time";
        let times = stored(batch, start, &Kind::Timestamp.arrow())?;
        Ok(Self {
            texts: [text("session_id")?, text("conversation_id")?],
            start: (start, position(start), times.as_primitive::<TimestampMicrosecondType>().clone()),
        })
    }

    fn check(&self, decoder: &ObjectDecoder, row: usize) -> Result<(), LiftError> {
        for (column, index, texts) in &self.texts {
            let stored = texts.is_valid(row).then(|| texts.value(row));
            let lost = *column == "session_id" && stored.is_none();
            if lost || decoder.text_of(*index, row) != stored {
                return Err(LiftError::Moved { row, column });
            }
        }
        let (column, index, times) = &self.start;
        let stored = times.is_valid(row).then(|| times.value(row));
        if decoder.time_of(*index, row).map(crate::clock::UtcTime::micros) != stored {
            return Err(LiftError::Moved { row, column });
        }
        Ok(())
    }
}

/// A column as it is stored; null where the batch lacks it.
fn stored(batch: &RecordBatch, name: &str, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    match batch.column_by_name(name) {
        Some(column) if column.data_type() == data_type => Ok(Arc::clone(column)),
        Some(column) => cast(column, data_type),
        None => Ok(new_null_array(data_type, batch.num_rows())),
    }
}

/// A column without a place in the schema would be lost.
fn check_known(path: &str, columns: &[Column], fields: &Fields, version: u32) -> Result<(), LiftError> {
    for field in fields {
        let path = format!("{path}{}", field.name());
        let Some(column) = columns.iter().find(|column| column.name == *field.name()) else {
            return Err(LiftError::Unknown { column: path, version });
        };
        if let (Some(columns), Some(fields)) = (members(&column.kind), fields_of(field.data_type())) {
            check_known(&format!("{path}."), columns, fields, version)?;
        }
    }
    Ok(())
}

fn members(kind: &Kind) -> Option<&[Column]> {
    match kind {
        Kind::Struct(columns) => Some(columns),
        Kind::List(element) => members(element),
        _ => None,
    }
}

fn fields_of(data_type: &DataType) -> Option<&Fields> {
    match data_type {
        DataType::Struct(fields) => Some(fields),
        DataType::List(element) => fields_of(element.data_type()),
        _ => None,
    }
}

/// Values in those columns of `lifted` that the older type lacks.
fn new_values(older: &Fields, lifted: &StructArray) -> u64 {
    let columns = lifted.fields().iter().zip(lifted.columns());
    let values = columns.map(|(field, array)| match older.find(field.name()) {
        None => u64::try_from(array.len() - array.null_count()).unwrap_or(u64::MAX),
        Some((_, older)) => new_values_below(older.data_type(), array),
    });
    values.sum()
}

fn new_values_below(older: &DataType, lifted: &ArrayRef) -> u64 {
    match (older, lifted.data_type()) {
        (DataType::Struct(fields), DataType::Struct(_)) => new_values(fields, lifted.as_struct()),
        (DataType::List(element), DataType::List(_)) => {
            new_values_below(element.data_type(), lifted.as_list::<i32>().values())
        }
        _ => 0,
    }
}
