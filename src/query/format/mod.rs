//! Rows as text or bytes.

mod cells;
mod columnar;
mod delimited;
mod json;
mod people;
mod sink;
mod text;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use arrow::datatypes::Schema as ArrowSchema;
use arrow::record_batch::RecordBatch;

use self::people::{Plans, Records};
use self::sink::Sink;
use super::{QueryError, Rows};

/// How rows are written.
///
/// Moments are RFC 3339 with `Z`, local times the same without it. Where cells are text (all but JSON and
/// Parquet), nested values are JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people: aligned columns, in blocks of 1,000 rows with the names above each. Plans as the engine writes them.
    Table,
    /// RFC 4180 with a line of names; null is empty.
    Csv,
    /// As CSV, tabs between cells.
    Tsv,
    /// One array of objects; null is `null`.
    Json,
    /// One object a line; null is `null`.
    Ndjson,
    /// A Markdown table.
    Markdown,
    /// One Parquet file.
    Parquet,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] =
        [Self::Table, Self::Csv, Self::Tsv, Self::Json, Self::Ndjson, Self::Markdown, Self::Parquet];

    /// The format's name, as the user writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Markdown => "markdown",
            Self::Parquet => "parquet",
        }
    }

    /// How names of files of this format end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Table => "txt",
            Self::Markdown => "md",
            other => other.as_str(),
        }
    }

    /// Whether the output is bytes that no terminal should get.
    pub fn is_binary(self) -> bool {
        self == Self::Parquet
    }
}

impl FromStr for Format {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| QueryError::UnknownFormat {
            found: text.to_owned(),
            formats: Self::ALL.map(Self::as_str).to_vec(),
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A terminal that rows are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen {
    /// Its columns. Cells of a wider table are cut, the widest first.
    pub width: usize,
    /// How rows are laid out.
    pub layout: Layout,
}

/// How rows are laid out on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// As [`Format::Table`].
    Table,
    /// A block a row, a line a column.
    Records,
}

/// What a format does with the batches of one answer.
trait Writer {
    fn write(&mut self, batch: &RecordBatch) -> io::Result<()>;
    /// What stands after the last row.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

fn writer<'a>(
    format: Format,
    schema: &ArrowSchema,
    out: &'a mut (dyn Write + Send),
) -> io::Result<Box<dyn Writer + Send + 'a>> {
    Ok(match format {
        Format::Table if Plans::are_in(schema) => Box::new(Plans::new(out)),
        Format::Table => Box::new(text::Table::new(out, schema, None)),
        Format::Markdown => Box::new(text::Markdown::new(out, schema)?),
        Format::Csv => Box::new(delimited::Delimited::new(out, b',', schema)?),
        Format::Tsv => Box::new(delimited::Delimited::new(out, b'\t', schema)?),
        Format::Json => json::array(out),
        Format::Ndjson => json::lines(out),
        Format::Parquet => Box::new(columnar::Columnar::new(out, schema)?),
    })
}

/// Writes rows in a format as they come and says how many there were. An answer without columns writes nothing.
///
/// No format holds more than a batch and 1,000 rows of text (Parquet: one row group).
///
/// # Errors
/// What the rows fail with, or [`QueryError::Output`]; what was written until then stays.
pub async fn render(rows: Rows, format: Format, out: &mut (dyn Write + Send)) -> Result<usize, QueryError> {
    render_by(rows, out, |schema, out| writer(format, schema, out)).await
}

/// Writes rows as people read them on a terminal, and says how many there were.
///
/// # Errors
/// As [`render`].
pub async fn render_on(rows: Rows, screen: Screen, out: &mut (dyn Write + Send)) -> Result<usize, QueryError> {
    render_by(rows, out, |schema, out| {
        Ok(match screen.layout {
            _ if Plans::are_in(schema) => Box::new(Plans::new(out)),
            Layout::Table => Box::new(text::Table::new(out, schema, Some(screen.width))),
            Layout::Records => Box::new(Records::new(out, schema)),
        })
    })
    .await
}

async fn render_by(
    rows: Rows,
    out: &mut (dyn Write + Send),
    writer: impl for<'a> FnOnce(&ArrowSchema, &'a mut (dyn Write + Send)) -> io::Result<Box<dyn Writer + Send + 'a>> + Send,
) -> Result<usize, QueryError> {
    if rows.schema().fields().is_empty() {
        return Ok(0);
    }
    let mut sink = Sink::new(out);
    let written = match writer(&cells::plain_schema(&rows.schema()), &mut sink) {
        Ok(writer) => write_all(rows, writer).await,
        Err(error) => Err(QueryError::Output(error)),
    };
    written.map_err(|error| match error {
        QueryError::Output(error) => QueryError::Output(sink.failure(error)),
        other => other,
    })
}

async fn write_all(mut rows: Rows, mut writer: Box<dyn Writer + Send + '_>) -> Result<usize, QueryError> {
    let mut count = 0;
    while let Some(batch) = rows.next().await? {
        count += batch.num_rows();
        let batch = cells::plain(&batch).map_err(QueryError::Output)?;
        writer.write(&batch).map_err(QueryError::Output)?;
    }
    writer.finish().map_err(QueryError::Output)?;
    Ok(count)
}

/// Writes rows by a function of one's own, a batch at a time, and says how many there were.
///
/// # Errors
/// As [`render`].
pub async fn render_with(
    mut rows: Rows,
    out: &mut (dyn Write + Send),
    mut write: impl FnMut(&RecordBatch, &mut dyn Write) -> io::Result<()> + Send,
) -> Result<usize, QueryError> {
    let mut count = 0;
    while let Some(batch) = rows.next().await? {
        count += batch.num_rows();
        write(&batch, out).map_err(QueryError::Output)?;
    }
    Ok(count)
}
