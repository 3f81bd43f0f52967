use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, TimestampMicrosecondArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};

use super::column::{ColumnDecoder, Taken};
use super::number;
use super::scan::{Failed, Hashed, Scan, Value};
use super::validity::Validity;
use crate::clock::UtcTime;

/// A type whose values have one size.
pub(super) trait Leaf: Send {
    type Native: Copy + Default + Send;

    /// The value in this type, where it fits.
    fn take(value: &Value<'_>) -> Option<Self::Native>;

    fn array(values: Vec<Self::Native>, nulls: Option<NullBuffer>) -> ArrayRef;

    fn time(_value: Self::Native) -> Option<UtcTime> {
        None
    }
}

pub(super) struct LeafDecoder<L: Leaf> {
    values: Vec<L::Native>,
    valid: Validity,
}

impl<L: Leaf> Default for LeafDecoder<L> {
    fn default() -> Self {
        Self { values: Vec::new(), valid: Validity::default() }
    }
}

impl<L: Leaf> ColumnDecoder for LeafDecoder<L> {
    fn decode(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<Taken, Failed> {
        let Hashed { value, hash } = scan.value()?;
        if matches!(value, Value::Null) {
            return Ok(Taken::Null);
        }
        let Some(native) = L::take(&value) else {
            return Ok(Taken::Misfit(hash));
        };
        if self.values.len() < row {
            self.values.resize(row, L::Native::default());
        }
        self.values.push(native);
        self.valid.set(row);
        Ok(Taken::Fits(hash))
    }

    fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.valid.truncate(rows);
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        // The next page has as many rows, more or less.
        let next = Vec::with_capacity(self.values.len());
        let mut values = std::mem::replace(&mut self.values, next);
        values.resize(rows, L::Native::default());
        L::array(values, self.valid.finish(rows))
    }

    fn time(&self, row: usize) -> Option<UtcTime> {
        self.valid.is_set(row).then(|| L::time(self.values[row])).flatten()
    }
}

pub(super) struct Int32;

impl Leaf for Int32 {
    type Native = i32;

    fn take(value: &Value<'_>) -> Option<i32> {
        Int64::take(value).and_then(|integer| integer.try_into().ok())
    }

    fn array(values: Vec<i32>, nulls: Option<NullBuffer>) -> ArrayRef {
        Arc::new(Int32Array::new(values.into(), nulls))
    }
}

pub(super) struct Int64;

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

pub(super) struct Float64;

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

pub(super) struct Boolean;

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
pub(super) struct Timestamp;

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
