use arrow::buffer::{OffsetBuffer, ScalarBuffer};

/// Where each row of a column of texts or lists ends in what lies behind it; rows never set are empty.
#[derive(Default)]
pub(super) struct Ends {
    ends: Vec<i32>,
}

impl Ends {
    /// Row `row` ends at `end`.
    pub(super) fn set(&mut self, row: usize, end: usize) {
        if self.ends.len() < row {
            self.ends.resize(row, self.ends.last().copied().unwrap_or(0));
        }
        self.ends.push(i32::try_from(end).expect("a page is shorter than 2 GiB"));
    }

    /// Where the first `rows` rows end.
    pub(super) fn of(&self, rows: usize) -> usize {
        let end = rows.checked_sub(1).map_or(0, |row| self.ends[row]);
        usize::try_from(end).expect("ends are lengths")
    }

    /// Where all rows end.
    pub(super) fn last(&self) -> usize {
        self.of(self.ends.len())
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
    }

    pub(super) fn finish(&mut self, rows: usize) -> OffsetBuffer<i32> {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        offsets.append(&mut self.ends);
        offsets.resize(rows + 1, offsets.last().copied().unwrap_or(0));
        OffsetBuffer::new(ScalarBuffer::from(offsets))
    }
}
