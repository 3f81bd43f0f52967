use std::io::{self, Write};

use arrow::datatypes::{DataType, Schema as ArrowSchema};
use arrow::record_batch::RecordBatch;
use comfy_table::{CellAlignment, presets};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Writer, cells};

/// Rows whose cells are held, so that their columns line up.
const BLOCK_ROWS: usize = 1_000;

/// A cell is not cut below this: less says nothing. What is too wide all the same is for a pager to shift.
const LEAST_CELL: usize = 24;

/// Aligned columns, in blocks: memory stays bounded, and every block fits its own cells.
pub(super) struct Table<'a> {
    out: &'a mut (dyn Write + Send),
    columns: Vec<Column>,
    held: Vec<Vec<String>>,
    /// Columns of the terminal that the table is for.
    width: Option<usize>,
    began: bool,
}

pub(super) struct Column {
    pub(super) name: String,
    right: bool,
    float: bool,
}

impl Column {
    /// A cell as a person reads it, on one line.
    pub(super) fn shown(&self, cell: &str) -> String {
        if self.float { rounded(cell) } else { visible(cell) }
    }
}

pub(super) fn columns(schema: &ArrowSchema) -> Vec<Column> {
    let right = |data_type: &DataType| data_type.is_numeric();
    schema
        .fields()
        .iter()
        .map(|field| Column {
            name: visible(field.name()),
            right: right(field.data_type()),
            float: field.data_type().is_floating(),
        })
        .collect()
}

/// Control characters as escapes: a cell is one line, and no text of a customer steers a terminal.
fn visible(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// A float with four decimals, as a person reads it; one that they would make 0 stays as it is.
fn rounded(cell: &str) -> String {
    match cell.parse::<f64>() {
        Ok(value) if value == 0.0 || (1e-3..1e15).contains(&value.abs()) => format!("{value:.4}"),
        _ => cell.to_owned(),
    }
}

/// The text as far as it fits, and `…` for the rest.
fn cut(text: &mut String, most: usize) {
    if text.width() <= most {
        return;
    }
    let mut width = 0;
    let end = text.char_indices().find(|(_, c)| {
        width += c.width().unwrap_or(0);
        width >= most
    });
    text.truncate(end.map_or(text.len(), |(at, _)| at));
    text.push('…');
}

impl<'a> Table<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), schema: &ArrowSchema, width: Option<usize>) -> Self {
        Self { out, columns: columns(schema), held: Vec::new(), width, began: false }
    }

    /// Cuts the cells that are widest, where the block is wider than the terminal: as little as makes it fit.
    fn fit(&mut self) {
        let Some(width) = self.width else { return };
        let widths: Vec<usize> = (0..self.columns.len()).map(|at| self.width_of(at)).collect();
        let total = |most: usize| widths.iter().map(|width| width.min(&most) + 3).sum::<usize>() + 1;
        let widest = widths.iter().copied().max().unwrap_or(0);
        if total(widest) <= width {
            return;
        }
        let most = (LEAST_CELL..widest).rev().find(|most| total(*most) <= width).unwrap_or(LEAST_CELL);
        for cell in self.held.iter_mut().flatten() {
            cut(cell, most);
        }
    }

    fn width_of(&self, at: usize) -> usize {
        let cells = self.held.iter().map(|row| row[at].width());
        cells.max().unwrap_or(0).max(self.columns[at].name.width())
    }

    fn write_block(&mut self) -> io::Result<()> {
        self.fit();
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::UTF8_FULL_CONDENSED).set_header(self.columns.iter().map(|column| &column.name));
        for (at, column) in self.columns.iter().enumerate() {
            let alignment = if column.right { CellAlignment::Right } else { CellAlignment::Left };
            table.column_mut(at).expect("the header has it").set_cell_alignment(alignment);
        }
        table.add_rows(self.held.drain(..));
        self.began = true;
        writeln!(self.out, "{table}")
    }
}

impl Writer for Table<'_> {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        for row in cells::texts(&cells::flat(batch)?)? {
            let cells = row.iter().zip(&self.columns);
            self.held.push(cells.map(|(cell, column)| column.shown(cell)).collect());
            if self.held.len() == BLOCK_ROWS {
                self.write_block()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if !self.held.is_empty() || !self.began {
            self.write_block()?;
        }
        self.out.flush()
    }
}

/// A Markdown table, row by row: its columns need not line up.
pub(super) struct Markdown<'a> {
    out: &'a mut (dyn Write + Send),
}

impl<'a> Markdown<'a> {
    pub(super) fn new(out: &'a mut (dyn Write + Send), schema: &ArrowSchema) -> io::Result<Self> {
        let columns = columns(schema);
        write_row(out, columns.iter().map(|column| column.name.as_str()))?;
        write_row(out, columns.iter().map(|column| if column.right { "---:" } else { "---" }))?;
        Ok(Self { out })
    }
}

fn write_row<'a>(out: &mut dyn Write, cells: impl Iterator<Item = &'a str>) -> io::Result<()> {
    let cells: Vec<_> = cells.map(literal).collect();
    writeln!(out, "| {} |", cells.join(" | "))
}

/// The cell as it reads: neither the end of a cell, an escape, nor a tag.
fn literal(cell: &str) -> String {
    cell.replace('\\', "\\\\").replace('|', "\\|").replace('<', "\\<")
}

impl Writer for Markdown<'_> {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()> {
        for row in cells::texts(&cells::flat(batch)?)? {
            let row: Vec<_> = row.iter().map(|cell| visible(cell)).collect();
            write_row(self.out, row.iter().map(String::as_str))?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.out.flush()
    }
}
