use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::record_batch::RecordBatch;

use super::record_value::{ValueWriter, bind_text};
use super::scan::{Scan, Value};
use crate::schema::{Column, Kind, Schema};

/// A batch or row that cannot be written as records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A column has another type than the schema says.
    #[error("expected column `{column}` to be {expected}, found {found}")]
    Column {
        /// Path of the column.
        column: String,
        /// Type in the schema.
        expected: String,
        /// Type in the batch.
        found: String,
    },
    /// The text of a JSON column is no JSON of the kind that belongs there: the file was not written
    /// by this program, or is damaged.
    #[error("expected column `{column}` to hold {expected} in row {row}, found other text")]
    Json {
        /// Name of the column.
        column: String,
        /// `JSON` or `a JSON object`.
        expected: &'static str,
        /// Row within the array that was read, from 0.
        row: usize,
    },
}

/// Writes the rows of a batch as the API's records, the inverse of the [`Decoder`](super::Decoder).
///
/// What it gives back is the record but for: null members of known keys; order of keys; an alias's name;
/// numbers and booleans that came as strings; `4.0`, which is 4; the spelling of a time (naive UTC, with `Z`
/// under the keys that have it, F14); later values of a repeated key, which stand behind.
/// Columns may be absent from the batch, at any depth; they count as null. Text may be of any of Arrow's
/// string types, times of any unit.
pub struct RecordWriter {
    root: ObjectWriter,
    purpose: Purpose,
}

impl RecordWriter {
    /// A writer of the rows of `batch`.
    ///
    /// # Errors
    /// [`RecordError::Column`] where a column is not of the schema's type. No retry helps.
    pub fn new(batch: &RecordBatch) -> Result<Self, RecordError> {
        Self::bind(batch, Purpose::Record)
    }

    /// A writer of rows that are decoded again.
    pub(super) fn bind(batch: &RecordBatch, purpose: Purpose) -> Result<Self, RecordError> {
        let column = |name: &str| batch.column_by_name(name).cloned();
        Ok(Self { root: ObjectWriter::bind("", &Schema::conversations().columns, &column, purpose)?, purpose })
    }

    /// Appends the record of row `row` to `out`: one JSON object on one line, without a line end.
    ///
    /// # Errors
    /// [`RecordError::Json`]; what `out` then holds behind its former end is not whole. No retry helps.
    pub fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let start = out.len();
        self.root.write(row, out)?;
        if self.purpose == Purpose::Record {
            // Of JSON that came so; there they can only be white space between its tokens.
            out[start..].iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
        }
        Ok(())
    }
}

/// Appends the record of one row to `out`. For many rows of one batch use a [`RecordWriter`].
///
/// # Errors
/// As [`RecordWriter::new`] and [`RecordWriter::write`].
pub fn write_record(batch: &RecordBatch, row: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
    RecordWriter::new(batch)?.write(row, out)
}

/// What records are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be given back as they came, one a line. Columns that the batch lacks may only have been left out of it.
    Record,
    /// To be decoded under a later schema: what the batch lacks, the schema of its rows lacked too, and times
    /// say that they are UTC, whatever offset counts for those in `extra`.
    Lift,
}

/// Writes a struct that mirrors an object.
pub(super) struct ObjectWriter {
    pub(super) members: Vec<MemberWriter>,
    extra: Option<StringArray>,
}

/// Writes a member under one of its keys.
pub(super) struct MemberWriter {
    pub(super) column: &'static str,
    keys: Vec<&'static str>,
    /// Whether the column takes the best of several texts: then their order decides, not their place.
    candidates: bool,
    pub(super) value: ValueWriter,
}

/// A member of an `extra`, as it came.
pub(super) struct ExtraMember<'a> {
    pub(super) name: Vec<u8>,
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

impl ObjectWriter {
    /// A writer of those `columns` that `array_of` has.
    pub(super) fn bind(
        path: &str,
        columns: &'static [Column],
        array_of: &dyn Fn(&str) -> Option<ArrayRef>,
        purpose: Purpose,
    ) -> Result<Self, RecordError> {
        let mut members = Vec::new();
        let mut extra = None;
        for column in columns {
            let Some(array) = array_of(&column.name) else { continue };
            let path = format!("{path}{}", column.name);
            if column.is_extra() {
                extra = Some(bind_text(&path, &array)?);
            } else if let Some(key) = &column.key {
                members.push(MemberWriter {
                    column: &column.name,
                    keys: column.keys().collect(),
                    candidates: column.kind == Kind::Utf8 && !column.aliases.is_empty(),
                    value: ValueWriter::bind(&path, key, &column.kind, &array, purpose)?,
                });
            }
        }
        Ok(Self { members, extra })
    }

    pub(super) fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let extra = self.extra_members(row)?;
        let mut object = MemberList::open(out);
        for member in self.members.iter().filter(|member| !member.value.is_null(row)) {
            object.member(member, row, &extra)?;
        }
        object.extra(&extra);
        object.close();
        Ok(())
    }

    /// The members that no column took.
    pub(super) fn extra_members(&self, row: usize) -> Result<Vec<ExtraMember<'_>>, RecordError> {
        let Some(extra) = self.extra.as_ref().filter(|extra| extra.is_valid(row)) else {
            return Ok(Vec::new());
        };
        members_of(extra.value(row)).ok_or_else(|| RecordError::Json {
            column: "extra".to_owned(),
            expected: "a JSON object",
            row,
        })
    }
}

impl MemberWriter {
    pub(super) fn main_key(&self) -> &'static str {
        self.keys[0]
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.keys.iter().copied()
    }

    pub(super) fn is_key(&self, name: &[u8]) -> bool {
        self.keys.iter().any(|key| key.as_bytes() == name)
    }

    /// The key under which the value decodes to this column again and, if there is such a one, that
    /// `extra` does not have too.
    fn key(&self, extra: &[ExtraMember<'_>]) -> &'static str {
        for key in &self.keys {
            let mut same = extra.iter().filter(|member| member.name == key.as_bytes()).peekable();
            if same.peek().is_none() {
                return key;
            }
            // A text under an earlier key would be taken for this column's.
            if self.candidates && same.any(|member| is_text(member.value)) {
                break;
            }
        }
        self.keys[0]
    }

    /// Keys, other than `written`, under which `extra` has a text that would not be there had it stood alone: it
    /// says nothing beside the column's, or would have been taken. It came behind another text of its key.
    fn repeated(&self, written: &str, row: usize, extra: &[ExtraMember<'_>]) -> Vec<&'static str> {
        let ValueWriter::Text(texts) = &self.value else { return Vec::new() };
        let column = texts.value(row);
        let comes_later = |key: &&&'static str| {
            let first = extra.iter().find(|member| member.name == key.as_bytes());
            let text = first.and_then(|member| text_of(member.value));
            text.is_some_and(|text| column.is_empty() || text.is_empty() || text == column)
        };
        let others = self.keys.iter().filter(|key| self.candidates && **key != written);
        others.filter(comes_later).copied().collect()
    }
}

/// The members of an object while they are written.
pub(super) struct MemberList<'o> {
    out: &'o mut Vec<u8>,
    separator: &'static [u8],
}

impl<'o> MemberList<'o> {
    pub(super) fn open(out: &'o mut Vec<u8>) -> Self {
        Self { out, separator: b"{" }
    }

    pub(super) fn member(
        &mut self,
        member: &MemberWriter,
        row: usize,
        extra: &[ExtraMember<'_>],
    ) -> Result<(), RecordError> {
        let key = member.key(extra);
        self.key(key);
        member.value.write(member.column, row, self.out)?;
        for repeated in member.repeated(key, row, extra) {
            self.key(repeated);
            self.out.extend_from_slice(b"\"\"");
        }
        Ok(())
    }

    fn key(&mut self, key: &str) {
        self.separate();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    pub(super) fn extra(&mut self, members: &[ExtraMember<'_>]) {
        for member in members {
            self.separate();
            self.out.extend_from_slice(member.key.as_bytes());
            self.out.push(b':');
            self.out.extend_from_slice(member.value.as_bytes());
        }
    }

    pub(super) fn close(self) {
        if self.separator == b"{" {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }

    fn separate(&mut self) {
        self.out.extend_from_slice(std::mem::replace(&mut self.separator, b","));
    }
}

/// The members of the text of an object; none where it is no such text.
fn members_of(text: &str) -> Option<Vec<ExtraMember<'_>>> {
    let mut scan = Scan::new(text, 0);
    let mut members = Vec::new();
    if scan.peek() != b'{' {
        return None;
    }
    let mut more = scan.open(b'}').ok()?;
    while more {
        let key = scan.key().ok()?;
        scan.peek();
        let start = scan.place();
        scan.skip().ok()?;
        let value = scan.text(start..scan.place());
        members.push(ExtraMember { name: key.name.into_owned(), key: scan.text(key.place), value });
        more = scan.goes_on(b'}').ok()?;
    }
    scan.end().ok()?;
    Some(members)
}

fn is_text(value: &str) -> bool {
    matches!(Scan::new(value, 0).value(), Ok(hashed) if matches!(hashed.value, Value::String(..)))
}

fn text_of(value: &str) -> Option<Cow<'_, str>> {
    if is_text(value) { Scan::new(value, 0).string_text().ok() } else { None }
}

/// The columns of a struct array, by name.
pub(super) fn struct_columns(array: &ArrayRef) -> impl Fn(&str) -> Option<ArrayRef> + '_ {
    let columns = array.as_struct();
    |name| columns.column_by_name(name).cloned()
}
