//! One small decoder per type: values go straight into the buffers of an Arrow column.
//!
//! A decoder holds any number of rows up to the one that it is given: rows that it was not given are
//! null, and are filled in when the next value or the end comes.

use arrow::array::ArrayRef;

use super::destination::DestinationDecoder;
use super::leaf::{Boolean, Float64, Int32, Int64, LeafDecoder, Timestamp};
use super::list::ListDecoder;
use super::object::ObjectDecoder;
use super::scan::{Failed, Scan};
use super::text::{JsonDecoder, TextDecoder};
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
    fn decode(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<Taken, Failed>;

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
