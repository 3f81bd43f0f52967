//! `kore-lake query`.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use kore_lake::decode::RecordWriter;
use kore_lake::error::Error;
use kore_lake::pipeline;
use kore_lake::query::{Format, QueryError, Rows, Session, SessionSettings, render, render_with};
use kore_lake::schema::Schema;

use super::output::{self, Output};
use super::{End, Invocation};

/// Columns that stand in the path of a day, and that a record therefore has no need of.
const PARTITION_COLUMNS: [&str; 2] = ["account_id", "session_date"];

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    let sql = sql(invocation)?;
    let format = output::format(invocation)?;
    let as_api = invocation.matches.get_flag("as_api");
    if as_api && format != Format::Ndjson {
        return Err(Error::Usage(format!("expected `--format ndjson` with `--as-api`, found `{format}`")));
    }
    let session = open(invocation).await?;
    let mut output = Output::open(invocation)?;
    match statements(&session, &sql, format, as_api, &mut output).await {
        Ok(()) => output.finish().map(|()| End::Done),
        Err(error) => {
            output.abandon();
            Err(error)
        }
    }
}

/// A session over the lake of the settings.
pub async fn open(invocation: &Invocation) -> Result<Session, Error> {
    let settings = &invocation.settings;
    let lake = pipeline::open_lake(settings, &invocation.options).await?;
    let session =
        SessionSettings { memory_limit_bytes: Some(settings.memory_limit_bytes), ..SessionSettings::default() };
    Ok(Session::open((&lake).into(), session).await?)
}

async fn statements(
    session: &Session,
    sql: &str,
    format: Format,
    as_api: bool,
    output: &mut Output,
) -> Result<(), Error> {
    let mut answers = 0;
    for statement in session.parse(sql)? {
        let rows = session.run(&statement).await?;
        answers += usize::from(!rows.schema().fields().is_empty());
        if answers > 1 && format.is_binary() {
            return Err(Error::Usage(format!("expected one answer with `--format {format}`, found a second")));
        }
        if as_api {
            only_conversations(&rows)?;
        }
        if as_api { records(rows, output).await? } else { write_rows(rows, format, output).await? }
    }
    Ok(())
}

/// Writes rows in a format.
pub async fn write_rows(rows: Rows, format: Format, output: &mut Output) -> Result<(), Error> {
    match render(rows, format, output.writer()).await {
        Err(QueryError::Output(error)) => Err(Error::Output(error)),
        other => other.map(|_| ()).map_err(Error::from),
    }
}

/// Writes rows of `conversations` as the records that the API sent.
async fn records(rows: Rows, output: &mut Output) -> Result<(), Error> {
    let written = render_with(rows, output.writer(), |batch, out| {
        let writer = RecordWriter::new(batch).map_err(io::Error::other)?;
        let mut text = Vec::new();
        for row in 0..batch.num_rows() {
            writer.write(row, &mut text).map_err(io::Error::other)?;
            text.push(b'\n');
        }
        out.write_all(&text)
    });
    match written.await {
        Err(QueryError::Output(error)) => Err(Error::Output(error)),
        other => other.map(|_| ()).map_err(Error::from),
    }
}

/// A column that no record has would be lost without a word.
fn only_conversations(rows: &Rows) -> Result<(), Error> {
    let known = |name: &str| {
        let columns = &Schema::conversations().columns;
        PARTITION_COLUMNS.contains(&name) || columns.iter().any(|column| column.name == name)
    };
    match rows.schema().fields().iter().find(|field| !known(field.name())) {
        Some(field) => {
            Err(Error::Usage(format!("expected columns of `conversations` with `--as-api`, found `{}`", field.name())))
        }
        None => Ok(()),
    }
}

fn sql(invocation: &Invocation) -> Result<String, Error> {
    if let Some(sql) = invocation.argument("sql") {
        return Ok(sql.clone());
    }
    let path = invocation.matches.get_one::<PathBuf>("file").map_or(Path::new("-"), PathBuf::as_path);
    let read = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    read.map_err(|source| Error::File { operation: "read", path: path.to_owned(), source })
}
