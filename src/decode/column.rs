//! One small decoder per type: values go straight into the buffers of an Arrow column.
//!
//! A decoder holds any number of rows up to the one that it is given: rows that it was not given are
//! null, and are filled in when the next value or the end comes.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::destination::DestinationDecoder;
use super::error::DecodeError;
use super::list::ListDecoder;
use super::number;
use super::object::ObjectDecoder;
use super::scan::{Hashed, Scan, Value};
use super::validity::Validity;
use crate::clock::UtcTime;
use crate::schema::Kind;

/// What became of a value, with its content hash.
pub(super) enum Taken {
    /// It was null: nothing was appended.
    Null,
    /// It is in the column.
    Fits(u64),
    /// It does not fit: nothing was appended.
    Misfit(u64),
}

/// Decoder of one column.
pub(super) trait ColumnDecoder: Send {
    /// Takes the value at `scan` for row `row`, which this column does not have yet. The value is
    /// passed over whatever becomes of it.
    fn decode(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<Taken, DecodeError>;

    /// Forgets all rows from `rows` on.
    fn truncate(&mut self, rows: usize);

    /// The column, of `rows` rows; the decoder is empty again.
    fn finish(&mut self, rows: usize) -> ArrayRef;

    /// The text in row `row`, of columns that hold text.
    fn text(&self, _row: usize) -> Option<&str> {
        None
    }

    /// The time in row `row`, of columns that hold times.
    fn time(&self, _row: usize) -> Option<UtcTime> {
        None
    }

    /// The decoder of a struct.
    fn object(&mut self) -> Option<&mut ObjectDecoder> {
        None
    }
}

/// The decoder of a column of `kind`.
pub(super) fn decoder(kind: &Kind) -> Box<dyn ColumnDecoder> {
    match kind {
        Kind::Utf8 => Box::<TextDecoder>::default(),
        Kind::Json => Box::<JsonDecoder>::default(),
        Kind::Int32 => Box::<LeafDecoder<Int32>>::default(),
        Kind::Int64 => Box::<LeafDecoder<Int64>>::default(),
        Kind::Float64 => Box::<LeafDecoder<Float64>>::default(),
        Kind::Boolean => Box::<LeafDecoder<Boolean>>::default(),
        Kind::Timestamp => Box::<LeafDecoder<Timestamp>>::default(),
        Kind::Struct(members) if DestinationDecoder::is_for(members) => Box::new(DestinationDecoder::new(members)),
        Kind::Struct(members) => Box::new(ObjectDecoder::new(members)),
        Kind::List(element) => Box::new(ListDecoder::new(element)),
    }
}

/// A type whose values have one size.
trait Leaf: Send {
    type Native: Copy + Default + Send;

    /// The value in this type, where it fits.
    fn take(value: &Value<'_>) -> Option<Self::Native>;

    fn array(values: Vec<Self::Native>, nulls: Option<NullBuffer>) -> ArrayRef;

    fn time(_value: Self::Native) -> Option<UtcTime> {
        None
    }
}

struct LeafDecoder<L: Leaf> {
    values: Vec<L::Native>,
    valid: Validity,
}

impl<L: Leaf> Default for LeafDecoder<L> {
    fn default() -> Self {
        Self { values: Vec::new(), valid: Validity::default() }
    }
}

impl<L: Leaf> ColumnDecoder for LeafDecoder<L> {
    fn decode(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<Taken, DecodeError> {
        let Hashed { value, hash } = scan.value()?;
        if matches!(value, Value::Null) {
            return Ok(Taken::Null);
        }
        let Some(native) = L::take(&value) else {
            return Ok(Taken::Misfit(hash));
        };
        self.values.resize(row, L::Native::default());
        self.values.push(native);
        self.valid.set(row);
        Ok(Taken::Fits(hash))
    }

    fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.valid.truncate(rows);
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        let mut values = std::mem::take(&mut self.values);
        values.resize(rows, L::Native::default());
        L::array(values, self.valid.finish(rows))
    }

    fn time(&self, row: usize) -> Option<UtcTime> {
        self.valid.is_set(row).then(|| L::time(self.values[row])).flatten()
    }
}

struct Int32;

impl Leaf for Int32 {
    type Native = i32;

    fn take(value: &Value<'_>) -> Option<i32> {
        Int64::take(value).and_then(|integer| integer.try_into().ok())
    }

    fn array(values: Vec<i32>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(Int32Array::new(values.into(), nulls))
    }
}

struct Int64;

impl Leaf for Int64 {
    type Native = i64;

    fn take(value: &Value<'_>) -> Option<i64> {
        match value {
            Value::Number(number) => number::integral(number),
            Value::String(text, _) => number::integer_text(text),
            _ => None,
        }
    }

    fn array(values: Vec<i64>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(Int64Array::new(values.into(), nulls))
    }
}

struct Float64;

impl Leaf for Float64 {
    type Native = f64;

    fn take(value: &Value<'_>) -> Option<f64> {
        match value {
            Value::Number(number) => number::float(number),
            Value::String(text, _) => number::float_text(text),
            _ => None,
        }
    }

    fn array(values: Vec<f64>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(Float64Array::new(values.into(), nulls))
    }
}

struct Boolean;

impl Leaf for Boolean {
    type Native = bool;

    fn take(value: &Value<'_>) -> Option<bool> {
        let is = |text: &str, words: [&str; 2]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
        match value {
            Value::Bool(value) => Some(*value),
            Value::String(text, _) if is(text, ["YES", "true"]) => Some(true),
            Value::String(text, _) if is(text, ["NO", "false"]) => Some(false),
            _ => None,
        }
    }

    fn array(values: Vec<bool>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(BooleanArray::new(BooleanBuffer::from(values), nulls))
    }
}

/// Times, in microseconds.
struct Timestamp;

impl Leaf for Timestamp {
    type Native = i64;

    fn take(value: &Value<'_>) -> Option<i64> {
        match value {
            Value::String(_, time) => time.map(UtcTime::micros),
            _ => None,
        }
    }

    fn array(values: Vec<i64>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::new(values.into(), nulls).with_timezone("UTC"))
    }

    fn time(micros: i64) -> Option<UtcTime> {
        Some(UtcTime::from_micros(micros))
    }
}

/// The buffers of a text column.
#[derive(Default)]
pub(super) struct Texts {
    data: String,
    /// Where each row's text ends in `data`.
    ends: Vec<i32>,
    valid: Validity,
}

impl Texts {
    pub(super) fn push(&mut self, row: usize, text: &str) {
        self.data.push_str(text);
        self.close(row);
    }

    /// Text of the row that is being written; [`close`](Self::close) ends it.
    pub(super) fn write(&mut self, text: &str) {
        self.data.push_str(text);
    }

    /// Ends row `row` after what was written since the last row.
    pub(super) fn close(&mut self, row: usize) {
        self.ends.resize(row, self.ends.last().copied().unwrap_or(0));
        self.ends.push(i32::try_from(self.data.len()).expect("a page is shorter than 2 GiB"));
        self.valid.set(row);
    }

    pub(super) fn get(&self, row: usize) -> Option<&str> {
        self.valid.is_set(row).then(|| &self.data[self.end(row)..self.end(row + 1)])
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.valid.truncate(rows);
        self.data.truncate(self.end(self.ends.len()));
    }

    pub(super) fn finish(&mut self, rows: usize) -> ArrayRef {
        let data = std::mem::take(&mut self.data);
        let mut offsets = vec![0];
        offsets.append(&mut self.ends);
        offsets.resize(rows + 1, offsets.last().copied().unwrap_or(0));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        Arc::new(StringArray::new(offsets, Buffer::from_vec(data.into_bytes()), self.valid.finish(rows)))
    }

    /// Where the text behind the first `rows` rows begins.
    fn end(&self, rows: usize) -> usize {
        let end = rows.checked_sub(1).map_or(0, |row| self.ends[row]);
        usize::try_from(end).expect("ends are lengths")
    }
}

#[derive(Default)]
struct TextDecoder {
    texts: Texts,
}

impl ColumnDecoder for TextDecoder {
    fn decode(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<Taken, DecodeError> {
        let Hashed { value, hash } = scan.value()?;
        Ok(match value {
            Value::Null => Taken::Null,
            Value::String(text, _) => {
                self.texts.push(row, text);
                Taken::Fits(hash)
            }
            _ => Taken::Misfit(hash),
        })
    }

    fn truncate(&mut self, rows: usize) {
        self.texts.truncate(rows);
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        self.texts.finish(rows)
    }

    fn text(&self, row: usize) -> Option<&str> {
        self.texts.get(row)
    }
}

/// Takes any value but null, as the text it has in the page.
#[derive(Default)]
struct JsonDecoder {
    texts: Texts,
}

impl ColumnDecoder for JsonDecoder {
    fn decode(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<Taken, DecodeError> {
        scan.peek();
        let start = scan.place();
        let Some(hash) = scan.skip()? else {
            return Ok(Taken::Null);
        };
        self.texts.push(row, scan.text(start..scan.place()));
        Ok(Taken::Fits(hash))
    }

    fn truncate(&mut self, rows: usize) {
        self.texts.truncate(rows);
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        self.texts.finish(rows)
    }

    fn text(&self, row: usize) -> Option<&str> {
        self.texts.get(row)
    }
}
