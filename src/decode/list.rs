use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray};
use arrow::datatypes::Field;

use super::column::{ColumnDecoder, Taken, decoder};
use super::ends::Ends;
use super::hash::{self, ListHash};
use super::scan::{Failed, Scan};
use super::validity::Validity;
use crate::schema::Kind;

/// Takes an array all of whose elements are null or fit.
pub(super) struct ListDecoder {
    field: Arc<Field>,
    elements: Box<dyn ColumnDecoder>,
    ends: Ends,
    valid: Validity,
}

impl ListDecoder {
    pub(super) fn new(element: &Kind) -> Self {
        let field = Arc::new(Field::new("element", element.arrow(), true));
        Self { field, elements: decoder(element), ends: Ends::default(), valid: Validity::default() }
    }
}

impl ColumnDecoder for ListDecoder {
    fn decode(&mut self, row: usize, scan: &mut Scan<'_>) -> Result<Taken, Failed> {
        if scan.peek() != b'[' {
            return Ok(scan.skip()?.map_or(Taken::Null, Taken::Misfit));
        }
        let begin = self.ends.last();
        let (mut end, mut fits) = (begin, true);
        let mut hash = ListHash::new();
        let mut more = scan.open(b']')?;
        while more {
            hash.add(match self.elements.decode(end, scan)? {
                Taken::Null => hash::of_null(),
                Taken::Fits(element) => element,
                Taken::Misfit(element) => {
                    fits = false;
                    element
                }
            });
            end += 1;
            more = scan.goes_on(b']')?;
        }
        if !fits {
            self.elements.truncate(begin);
            return Ok(Taken::Misfit(hash.finish()));
        }
        self.ends.set(row, end);
        self.valid.set(row);
        Ok(Taken::Fits(hash.finish()))
    }

    fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        self.valid.truncate(rows);
        self.elements.truncate(self.ends.last());
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        let elements = self.elements.finish(self.ends.last());
        let offsets = self.ends.finish(rows);
        Arc::new(ListArray::new(Arc::clone(&self.field), offsets, elements, self.valid.finish(rows)))
    }
}
