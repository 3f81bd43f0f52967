use std::io::Write as _;

use arrow::array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, ListArray, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::DataType;

use super::destination::DestinationDecoder;
use super::record::{ObjectWriter, Purpose, RecordError, struct_columns};
use super::record_destination::DestinationWriter;
use super::scan::Scan;
use crate::clock::UtcTime;
use crate::schema::{Column, Kind};

/// Keys whose times the API writes with `Z` (F14).
const ABSOLUTE_KEYS: [&str; 3] = ["CallbackOptedTime", "userCallbackAcceptTime", "campaignRunDate"];

/// Writes the values of one column.
pub(super) enum ValueWriter {
    Text(StringArray),
    Json(StringArray),
    Int32(Int32Array),
    Int64(Int64Array),
    Float64(Float64Array),
    Boolean(BooleanArray),
    Time { times: TimestampMicrosecondArray, absolute: bool },
    Object { structs: StructArray, writer: ObjectWriter },
    Destination { structs: StructArray, writer: Box<DestinationWriter> },
    List { lists: ListArray, element: Box<ValueWriter> },
}

impl ValueWriter {
    pub(super) fn bind(
        path: &str,
        key: &str,
        kind: &'static Kind,
        array: &ArrayRef,
        purpose: Purpose,
    ) -> Result<Self, RecordError> {
        let found = array.data_type();
        let wrong = || wrong_type(path, kind, found);
        Ok(match kind {
            Kind::Utf8 => Self::Text(bind_text(path, array)?),
            Kind::Json => Self::Json(bind_text(path, array)?),
            Kind::Int32 => Self::Int32(array.as_primitive_opt::<Int32Type>().ok_or_else(wrong)?.clone()),
            Kind::Int64 => Self::Int64(array.as_primitive_opt::<Int64Type>().ok_or_else(wrong)?.clone()),
            Kind::Float64 => Self::Float64(array.as_primitive_opt::<Float64Type>().ok_or_else(wrong)?.clone()),
            Kind::Boolean => Self::Boolean(array.as_boolean_opt().ok_or_else(wrong)?.clone()),
            Kind::Timestamp => {
                let is_time = matches!(found, DataType::Timestamp(..));
                let times = is_time.then(|| cast(array, &kind.arrow()).ok()).flatten().ok_or_else(wrong)?;
                let times = times.as_primitive::<TimestampMicrosecondType>().clone();
                Self::Time { times, absolute: purpose == Purpose::Lift || ABSOLUTE_KEYS.contains(&key) }
            }
            Kind::Struct(members) => {
                Self::bind_struct(path, members, array.as_struct_opt().ok_or_else(wrong)?.clone(), array, purpose)?
            }
            Kind::List(element) => {
                let lists = array.as_list_opt::<i32>().ok_or_else(wrong)?.clone();
                let element = Box::new(Self::bind(path, key, element, lists.values(), purpose)?);
                Self::List { lists, element }
            }
        })
    }

    fn bind_struct(
        path: &str,
        members: &'static [Column],
        structs: StructArray,
        array: &ArrayRef,
        purpose: Purpose,
    ) -> Result<Self, RecordError> {
        let path = format!("{path}.");
        let writer = ObjectWriter::bind(&path, members, &struct_columns(array), purpose)?;
        if DestinationDecoder::is_for(members) {
            return Ok(Self::Destination {
                structs,
                writer: Box::new(DestinationWriter::new(writer, members, purpose)),
            });
        }
        Ok(Self::Object { structs, writer })
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Text(array) | Self::Json(array) => array.is_null(row),
            Self::Int32(array) => array.is_null(row),
            Self::Int64(array) => array.is_null(row),
            Self::Float64(array) => array.is_null(row),
            Self::Boolean(array) => array.is_null(row),
            Self::Time { times, .. } => times.is_null(row),
            Self::Object { structs, .. } | Self::Destination { structs, .. } => structs.is_null(row),
            Self::List { lists, .. } => lists.is_null(row),
        }
    }

    /// Appends the value of a row that is not null.
    pub(super) fn write(&self, column: &str, row: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
        match self {
            Self::Text(texts) => string(texts.value(row), out),
            Self::Json(texts) if is_json(texts.value(row)) => out.extend_from_slice(texts.value(row).as_bytes()),
            Self::Json(_) => return Err(RecordError::Json { column: column.to_owned(), expected: "JSON", row }),
            Self::Int32(array) => text(array.value(row), out),
            Self::Int64(array) => text(array.value(row), out),
            Self::Float64(array) => float(array.value(row), out),
            Self::Boolean(array) => text(array.value(row), out),
            Self::Time { times, absolute } => time(UtcTime::from_micros(times.value(row)), *absolute, out),
            Self::Object { writer, .. } => writer.write(row, out)?,
            Self::Destination { writer, .. } => writer.write(row, out)?,
            Self::List { lists, element } => list(column, lists, element, row, out)?,
        }
        Ok(())
    }
}

/// A text column, whichever of Arrow's string types it has.
pub(super) fn bind_text(path: &str, array: &ArrayRef) -> Result<StringArray, RecordError> {
    let found = array.data_type();
    let is_text = match found {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => values.is_string(),
        _ => false,
    };
    let texts = is_text.then(|| cast(array, &DataType::Utf8).ok()).flatten();
    texts.map(|texts| texts.as_string::<i32>().clone()).ok_or_else(|| wrong_type(path, &Kind::Utf8, found))
}

fn wrong_type(path: &str, kind: &Kind, found: &DataType) -> RecordError {
    RecordError::Column { column: path.to_owned(), expected: kind.arrow().to_string(), found: found.to_string() }
}

fn list(
    column: &str,
    lists: &ListArray,
    element: &ValueWriter,
    row: usize,
    out: &mut Vec<u8>,
) -> Result<(), RecordError> {
    let offsets = lists.value_offsets();
    let index = |offset: i32| usize::try_from(offset).expect("offsets are lengths");
    out.push(b'[');
    for (number, child) in (index(offsets[row])..index(offsets[row + 1])).enumerate() {
        if number > 0 {
            out.push(b',');
        }
        if element.is_null(child) {
            out.extend_from_slice(b"null");
        } else {
            element.write(column, child, out)?;
        }
    }
    out.push(b']');
    Ok(())
}

fn string(value: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, value).expect("memory takes any string");
}

fn text(value: impl std::fmt::Display, out: &mut Vec<u8>) {
    write!(out, "{value}").expect("memory takes any text");
}

/// Integral floats as integers; those that JSON cannot write, which no page holds, as null.
fn float(value: f64, out: &mut Vec<u8>) {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        text(value, out);
    } else {
        serde_json::to_writer(out, &value).expect("memory takes any number");
    }
}

/// Naive UTC, or with `Z`; a fraction only where there is one.
fn time(value: UtcTime, absolute: bool, out: &mut Vec<u8>) {
    let written = value.to_string();
    let written = if absolute { &*written } else { written.trim_end_matches('Z') };
    string(written, out);
}

fn is_json(text: &str) -> bool {
    let mut scan = Scan::new(text, 0);
    scan.skip().is_ok() && scan.end().is_ok()
}
