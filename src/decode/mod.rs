//! Page bytes to a record batch, in one pass, and a row back to the record.
//!
//! **In:** a [`Page`](crate::source::Page). **Out:** a [`DecodedPage`]: rows under the fixed schema,
//! and rejects. **Owns:** which value fits which column, what goes to `extra`, `_flags`, the content
//! hash, how a row of an older schema becomes one of the present. **Knows nothing of:** where pages come
//! from, files, which of two rows wins.
//! **Fails:** [`DecodeError`] where the body is no page, as a whole (bytes that are no UTF-8 and values
//! nested beyond 128 levels too); a single record never fails a page, it becomes a [`Reject`].
//! [`RecordError`] where a batch or file to write back is not of the schema, [`LiftError`] where it cannot be
//! brought under the present one. **Rests on:** F7 (what is no page), F13–F16 and F18 (times), F20 (keys),
//! §5 (fields, both shapes of `destinations`).
#![expect(
    clippy::inline_always,
    reason = "all that is done for a member, and for a text, is one function: a tenth fewer instructions a page"
)]

mod column;
mod decoder;
mod destination;
mod ends;
mod error;
mod flags;
mod hash;
mod keys;
mod leaf;
mod lift;
mod list;
mod number;
mod object;
mod page;
mod record;
mod record_destination;
mod record_value;
mod scan;
mod string;
#[cfg(test)]
mod tests;
mod text;
mod token;
mod validity;

#[cfg(test)]
pub(crate) use tests::older;

pub use decoder::Decoder;
pub use error::{DecodeError, Found};
pub use lift::{LiftError, Lifted, lift};
pub use page::{AppendedPage, DecodedPage, DecodedRows, GroupCounts, Reject, RejectReason, RowKey};
pub use record::{RecordError, RecordWriter, write_record};
