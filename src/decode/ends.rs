use arrow::buffer::{OffsetBuffer, ScalarBuffer};

/// Where each row of a column of texts or lists ends in what lies behind it; rows never set are empty.
pub(super) struct Ends {
    /// Where each row begins, and the last ends: as Arrow has them.
    offsets: Vec<i32>,
}

impl Default for Ends {
    fn default() -> Self {
        Self { offsets: vec![0] }
    }
}

impl Ends {
    /// Row `row` ends at `end`.
    #[inline(always)]
    pub(super) fn set(&mut self, row: usize, end: usize) {
        if self.offsets.len() <= row {
            self.fill(row);
        }
        self.offsets.push(i32::try_from(end).expect("a page is shorter than 2 GiB"));
    }

    /// Where the first `rows` rows end.
    pub(super) fn of(&self, rows: usize) -> usize {
        usize::try_from(self.offsets[rows]).expect("ends are lengths")
    }

    /// Where all rows end.
    pub(super) fn last(&self) -> usize {
        self.of(self.offsets.len() - 1)
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
    }

    pub(super) fn finish(&mut self, rows: usize) -> OffsetBuffer<i32> {
        self.fill(rows);
        let mut next = Vec::with_capacity(self.offsets.len());
        next.push(0);
        OffsetBuffer::new(ScalarBuffer::from(std::mem::replace(&mut self.offsets, next)))
    }

    /// Rows up to `rows` that were not set are empty.
    #[cold]
    fn fill(&mut self, rows: usize) {
        self.offsets.resize(rows + 1, self.offsets.last().copied().unwrap_or(0));
    }
}
