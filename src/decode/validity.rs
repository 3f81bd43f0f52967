use std::ops::Range;

use arrow::array::BooleanBufferBuilder;
use arrow::buffer::NullBuffer;

/// Which rows of a column hold a value; those never set hold none.
///
/// Rows come in order and most columns are full or empty: to note what is left out takes next to nothing.
#[derive(Default)]
pub(super) struct Validity {
    /// Behind the last row that was set.
    end: usize,
    /// Rows before it that were not, in order.
    gaps: Vec<Range<usize>>,
}

impl Validity {
    /// Row `row` has a value; the rows up to it that were not set have none.
    #[inline(always)]
    pub(super) fn set(&mut self, row: usize) {
        if row != self.end {
            self.leave_out(row);
        }
        self.end = row + 1;
    }

    pub(super) fn is_set(&self, row: usize) -> bool {
        let mut gaps = self.gaps.iter().rev().take_while(|gap| gap.end > row);
        row < self.end && !gaps.any(|gap| gap.contains(&row))
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        self.end = self.end.min(rows);
        // A gap lies before a row that is set.
        while let Some(gap) = self.gaps.pop_if(|gap| gap.end >= self.end) {
            self.end = self.end.min(gap.start);
        }
    }

    pub(super) fn finish(&mut self, rows: usize) -> Option<NullBuffer> {
        if self.end != rows {
            self.leave_out(rows);
        }
        self.end = 0;
        if self.gaps.is_empty() {
            return None;
        }
        let mut valid = BooleanBufferBuilder::new(rows);
        for gap in self.gaps.drain(..) {
            valid.append_n(gap.start - valid.len(), true);
            valid.append_n(gap.len(), false);
        }
        valid.append_n(rows - valid.len(), true);
        Some(NullBuffer::new(valid.finish()))
    }

    #[cold]
    fn leave_out(&mut self, end: usize) {
        self.gaps.push(self.end..end);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_are_set_as_in_a_list_of_flags(
            steps in prop::collection::vec((0_usize..4, prop::option::weighted(0.1, 0_usize..60)), 0..60),
            empty in 0_usize..4,
        ) {
            let (mut validity, mut flags) = (Validity::default(), Vec::new());
            for (skipped, truncated) in steps {
                flags.resize(flags.len() + skipped, false);
                validity.set(flags.len());
                flags.push(true);
                if let Some(rows) = truncated {
                    validity.truncate(rows);
                    flags.truncate(rows);
                    flags.truncate(flags.iter().rposition(|set| *set).map_or(0, |last| last + 1));
                }
                for row in 0..=flags.len() {
                    prop_assert_eq!(validity.is_set(row), flags.get(row) == Some(&true));
                }
            }
            flags.resize(flags.len() + empty, false);
            let nulls = validity.finish(flags.len());
            let expected = flags.contains(&false).then(|| NullBuffer::from(flags));
            prop_assert_eq!(nulls, expected);
            prop_assert_eq!(validity.finish(0), None);
        }
    }
}
