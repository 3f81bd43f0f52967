//! The index of sessions by their end, for a server that filters by it (F17).

use super::form::Form;
use super::generator::Generator;
use super::timeline::{Row, Seconds};

/// Rows of each stream with the second of their end, in order of it. Rows without an end are left out.
#[derive(Debug, Default)]
pub(super) struct Ends {
    streams: Vec<Vec<(i64, Row)>>,
}

impl Ends {
    /// Tells the story of every row once: `form` says whether with a clock or without.
    pub(super) fn of(generator: &Generator, form: Form) -> Self {
        let ends = |row: &Row| Some((generator.story(*row, form).end?, *row));
        let stream = |rows: (&[Row], &[Row])| {
            let mut ended: Vec<_> = rows.0.iter().chain(rows.1).filter_map(ends).collect();
            ended.sort_unstable();
            ended
        };
        Self { streams: generator.all_within(&(i64::MIN..i64::MAX)).map(stream).collect() }
    }

    pub(super) fn within(&self, stream: Option<usize>, seconds: &Seconds) -> &[(i64, Row)] {
        let rows = stream.and_then(|stream| self.streams.get(stream)).map_or(&[][..], Vec::as_slice);
        let at = |second: i64| rows.partition_point(|(end, _)| *end < second);
        let (from, to) = (at(seconds.start), at(seconds.end));
        &rows[from..to.max(from)]
    }
}
