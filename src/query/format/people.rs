//! Rows for people, where a table is no help.

use std::io::{self, Write};

use arrow::datatypes::Schema as ArrowSchema;
use arrow::record_batch::RecordBatch;
use unicode_width::UnicodeWidthStr;

use super::text::{Column, columns};
use super::{Writer, cells};

/// Each row as a block of its own, a line a column: for rows that no terminal is wide enough for. Cells are whole.
pub(super) struct Records<'a> {
    out: &'a mut (dyn Write + Send),
    columns: Vec<Column>,
    count: usize,
}

impl<'a> Records<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), schema: &ArrowSchema) -> Self {
        Self { out, columns: columns(schema), count: 0 }
    }
}

impl Writer for Records<'_> {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        let widest = self.columns.iter().map(|column| column.name.width()).max().unwrap_or(0);
        for row in cells::texts(&cells::flat(batch)?)? {
            self.count += 1;
            writeln!(self.out, "── row {} ──", self.count)?;
            for (column, cell) in self.columns.iter().zip(row) {
                let gap = " ".repeat(widest - column.name.width());
                writeln!(self.out, "{}{gap} │ {}", column.name, column.shown(&cell))?;
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}

/// The plans that `EXPLAIN` answers with: text of many lines, which no cell of a table is.
pub(super) struct Plans<'a> {
    out: &'a mut (dyn Write + Send),
}

impl<'a> Plans<'a> {
    /// Whether an answer is one to `EXPLAIN`.
    pub(super) fn are_in(schema: &ArrowSchema) -> bool {
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        names == ["plan_type", "plan"]
    }

    pub(super) fn new(out: &'a mut (dyn Write + Send)) -> Self {
        Self { out }
    }
}

impl Writer for Plans<'_> {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        for row in cells::texts(batch)? {
            let [name, plan] = row.as_slice() else { continue };
            writeln!(self.out, "{}:", name.replace('_', " "))?;
            for line in plan.lines() {
                writeln!(self.out, "  {line}")?;
            }
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}
