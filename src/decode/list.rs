use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::Field;

use super::column::{ColumnDecoder, Taken, decoder};
use super::error::DecodeError;
use super::hash::ListHash;
use super::scan::Scan;
use super::validity::Validity;
use crate::schema::Kind;

/// Takes an array all of whose elements are null or fit.
pub(super) struct ListDecoder {
    field: Arc<Field>,
    elements: Box<dyn ColumnDecoder>,
    /// Where each row's elements end.
    ends: Vec<i32>,
    valid: Validity,
}

impl ListDecoder {
    pub(super) fn new(element: &Kind) -> Self {
        let field = Arc::new(Field::new("element", element.arrow(), true));
        Self { field, elements: decoder(element), ends: Vec::new(), valid: Validity::default() }
    }

    fn last_end(&self) -> i32 {
        self.ends.last().copied().unwrap_or(0)
    }
}

fn index(end: i32) -> usize {
    usize::try_from(end).expect("ends are lengths")
}

impl ColumnDecoder for ListDecoder {
    fn decode(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<Taken, DecodeError> {
        if scan.peek() != b'[' {
            return Ok(scan.skip()?.map_or(Taken::Null, Taken::Misfit));
        }
        let begin = index(self.last_end());
        let (mut end, mut fits, mut first) = (begin, true, true);
        let mut hash = ListHash::new();
        scan.open()?;
        while scan.next_element(&mut first)? {
            hash.add(match self.elements.decode(end, scan)? {
                Taken::Null => super::hash::of_null(),
                Taken::Fits(hash) => hash,
                Taken::Misfit(hash) => {
                    fits = false;
                    hash
                }
            });
            end += 1;
        }
        if !fits {
            self.elements.truncate(begin);
            return Ok(Taken::Misfit(hash.finish()));
        }
        self.ends.resize(row, self.last_end());
        self.ends.push(i32::try_from(end).expect("a page has fewer than 2^31 elements"));
        self.valid.set(row);
        Ok(Taken::Fits(hash.finish()))
    }

    fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.valid.truncate(rows);
        self.elements.truncate(index(self.last_end()));
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        let elements = self.elements.finish(index(self.last_end()));
        let mut offsets = vec![0];
        offsets.append(&mut self.ends);
        offsets.resize(rows + 1, offsets.last().copied().unwrap_or(0));
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        Arc::new(ListArray::new(Arc::clone(&self.field), offsets, elements, self.valid.finish(rows)))
    }
}
