use arrow::buffer::{BooleanBuffer, NullBuffer};

/// Which rows of a column hold a value; those never set hold none.
#[derive(Default)]
pub(super) struct Validity {
    /// A byte a row: packed to bits at the end, many at a time.
    set: Vec<bool>,
}

impl Validity {
    /// Row `row` has a value; the rows up to it that were not set have none.
    #[inline(always)]
    pub(super) fn set(&mut self, row: usize) {
        if self.set.len() < row {
            self.fill(row);
        }
        self.set.push(true);
    }

    pub(super) fn is_set(&self, row: usize) -> bool {
        self.set.get(row).is_some_and(|set| *set)
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.set.truncate(rows);
    }

    pub(super) fn finish(&mut self, rows: usize) -> Option<NullBuffer> {
        self.fill(rows);
        let nulls = match self.set.iter().filter(|set| **set).count() {
            // Nearly every column is full or empty: no bits need to be packed.
            count if count == rows => None,
            0 => Some(NullBuffer::new_null(rows)),
            _ => Some(NullBuffer::new(BooleanBuffer::from(self.set.as_slice()))),
        };
        self.set.clear();
        nulls
    }

    #[cold]
    fn fill(&mut self, rows: usize) {
        self.set.resize(rows, false);
    }
}
