use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::buffer::Buffer;

use super::column::{ColumnDecoder, Taken};
use super::ends::Ends;
use super::scan::{Failed, Hashed, Scan, Value};
use super::validity::Validity;

/// The buffers of a text column.
#[derive(Default)]
pub(super) struct Texts {
    data: String,
    ends: Ends,
    valid: Validity,
}

impl Texts {
    #[inline(always)]
    pub(super) fn push(&mut self, row: usize, text: &str) {
        self.data.push_str(text);
        self.close(row);
    }

    /// Text of the row that is being written; [`close`](Self::close) ends it.
    pub(super) fn write(&mut self, text: &str) {
        self.data.push_str(text);
    }

    /// Ends row `row` after what was written since the last row.
    #[inline(always)]
    pub(super) fn close(&mut self, row: usize) {
        self.ends.set(row, self.data.len());
        self.valid.set(row);
    }

    pub(super) fn get(&self, row: usize) -> Option<&str> {
        self.valid.is_set(row).then(|| &self.data[self.ends.of(row)..self.ends.of(row + 1)])
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.valid.truncate(rows);
        self.data.truncate(self.ends.last());
    }

    pub(super) fn finish(&mut self, rows: usize) -> ArrayRef {
        // The next page has as much text, more or less.
        let next = String::with_capacity(self.data.len());
        let data = Buffer::from_vec(std::mem::replace(&mut self.data, next).into_bytes());
        Arc::new(StringArray::new(self.ends.finish(rows), data, self.valid.finish(rows)))
    }
}

#[derive(Default)]
pub(super) struct TextDecoder {
    texts: Texts,
}

impl TextDecoder {
    /// Takes a value that is no text without escapes.
    #[cold]
    fn decode_other(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<Taken, Failed> {
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
}

impl ColumnDecoder for TextDecoder {
    fn decode(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<Taken, Failed> {
        let Some((text, _, hash)) = scan.plain_text() else {
            return self.decode_other(row, scan);
        };
        self.texts.push(row, text);
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

/// Takes any value but null, as the text it has in the page.
#[derive(Default)]
pub(super) struct JsonDecoder {
    texts: Texts,
}

impl ColumnDecoder for JsonDecoder {
    fn decode(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<Taken, Failed> {
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
