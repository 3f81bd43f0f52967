use arrow::array::BooleanBufferBuilder;
use arrow::buffer::NullBuffer;

/// Which rows of a column hold a value; those never set hold none.
pub(super) struct Validity {
    bits: BooleanBufferBuilder,
}

impl Default for Validity {
    fn default() -> Self {
        Self { bits: BooleanBufferBuilder::new(0) }
    }
}

impl Validity {
    /// Row `row` has a value; the rows up to it that were not set have none.
    pub(super) fn set(&mut self, row: usize) {
        self.bits.resize(row);
        self.bits.append(true);
    }

    pub(super) fn is_set(&self, row: usize) -> bool {
        row < self.bits.len() && self.bits.get_bit(row)
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.bits.truncate(rows);
    }

    pub(super) fn finish(&mut self, rows: usize) -> Option<NullBuffer> {
        self.bits.resize(rows);
        let nulls = NullBuffer::new(self.bits.finish());
        (nulls.null_count() > 0).then_some(nulls)
    }
}
