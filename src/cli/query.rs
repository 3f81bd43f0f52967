//! `kore-lake query`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use kore_lake::config::Settings;
use kore_lake::decode::RecordWriter;
use kore_lake::error::Error;
use kore_lake::lake::Lake;
use kore_lake::pipeline;
use kore_lake::query::{
    Format, Layout, QueryError, Rows, Screen, Session, SessionSettings, Statement, render, render_on, render_with,
};
use kore_lake::schema::Schema;

use super::output::{self, Output};
use super::{End, Invocation, print, prompt};

/// Columns that stand in the path of a day, and that a record therefore has no need of.
const PARTITION_COLUMNS: [&str; 2] = ["account_id", "session_date"];

/// Whether there is nothing to run but what somebody will type.
pub fn asks_a_person(matches: &ArgMatches) -> bool {
    let given = ["sql", "file"].iter().any(|name| matches.contains_id(name));
    !given && print::stdin_is_terminal()
}

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    if asks_a_person(&invocation.matches) {
        return prompt::run(invocation).await;
    }
    let texts = texts(invocation)?;
    let explain = Explain::of(invocation);
    let format = if explain == Explain::No || invocation.matches.contains_id("format") {
        output::format(invocation)?
    } else {
        Format::Table
    };
    let as_api = invocation.matches.get_flag("as_api");
    if as_api && format != Format::Ndjson {
        return Err(Error::Usage(format!("expected `--format ndjson` with `--as-api`, found `{format}`")));
    }
    let session = open(invocation).await?;
    let mut output = Output::open(invocation)?;
    let script = Script { session: &session, format, as_api, explain };
    match script.run(&texts, &mut output).await {
        Ok(()) => output.finish().map(|()| End::Done),
        Err(error) => {
            output.abandon();
            Err(error)
        }
    }
}

/// A session over the lake of the settings.
pub async fn open(invocation: &Invocation) -> Result<Session, Error> {
    let lake = pipeline::open_lake(&invocation.settings, &invocation.options).await?;
    session_of(invocation, &lake).await
}

/// A session over a lake, as the settings have it.
pub async fn session_of(invocation: &Invocation, lake: &Lake) -> Result<Session, Error> {
    let settings = SessionSettings {
        memory_limit_bytes: Some(invocation.settings.memory_limit_bytes),
        spill_folder: spill_folder(&invocation.settings)?,
        ..SessionSettings::default()
    };
    Ok(Session::open(lake.into(), settings).await?)
}

/// The folder of `--spill-dir`, which is looked at before anything is asked: a query needs it only when it is long under
/// way.
fn spill_folder(settings: &Settings) -> Result<Option<PathBuf>, Error> {
    let Some(folder) = &settings.spill_dir else { return Ok(None) };
    let failed = |source| Error::File { operation: "write to the folder", path: folder.clone(), source };
    let metadata = fs::metadata(folder).map_err(failed)?;
    if !metadata.is_dir() {
        return Err(failed(io::ErrorKind::NotADirectory.into()));
    }
    Ok(Some(folder.clone()))
}

/// What is done with the statements.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Explain {
    No,
    Plan,
    Analyze,
}

impl Explain {
    fn of(invocation: &Invocation) -> Self {
        match invocation.argument("explain").map(String::as_str) {
            None => Self::No,
            Some("analyze") => Self::Analyze,
            Some(_) => Self::Plan,
        }
    }
}

struct Script<'a> {
    session: &'a Session,
    format: Format,
    as_api: bool,
    explain: Explain,
}

impl Script<'_> {
    async fn run(&self, texts: &[String], output: &mut Output) -> Result<(), Error> {
        let format = self.format;
        let mut answers = 0;
        for statement in self.session.parse_all(texts)? {
            let rows = self.rows(&statement).await?;
            answers += usize::from(!rows.schema().fields().is_empty());
            if answers > 1 && format.is_binary() {
                return Err(Error::Usage(format!("expected one answer with `--format {format}`, found a second")));
            }
            if self.as_api {
                only_conversations(&rows)?;
                records(rows, output).await?;
            } else {
                write_rows(rows, format, output).await?;
            }
        }
        Ok(())
    }

    async fn rows(&self, statement: &Statement) -> Result<Rows, QueryError> {
        match self.explain {
            Explain::No => self.session.run(statement).await,
            Explain::Plan => self.session.explain(statement, false).await,
            Explain::Analyze => self.session.explain(statement, true).await,
        }
    }
}

/// Writes rows in a format, and says how many there were; on a terminal a table fits it.
pub async fn write_rows(rows: Rows, format: Format, output: &mut Output) -> Result<usize, Error> {
    match output.screen(Layout::Table) {
        Some(screen) if format == Format::Table => write_screen(rows, screen, output).await,
        _ => written(render(rows, format, output.writer()).await),
    }
}

/// Writes rows for the terminal that the output is.
pub async fn write_screen(rows: Rows, screen: Screen, output: &mut Output) -> Result<usize, Error> {
    written(render_on(rows, screen, output.writer()).await)
}

/// An output that fails is the program's, not the query's.
fn written(result: Result<usize, QueryError>) -> Result<usize, Error> {
    result.map_err(|error| match error {
        QueryError::Output(error) => Error::Output(error),
        other => other.into(),
    })
}

/// Writes rows of `conversations` as the records that the API sent.
async fn records(rows: Rows, output: &mut Output) -> Result<(), Error> {
    let result = render_with(rows, output.writer(), |batch, out| {
        let writer = RecordWriter::new(batch).map_err(io::Error::other)?;
        let mut text = Vec::new();
        for row in 0..batch.num_rows() {
            writer.write(row, &mut text).map_err(io::Error::other)?;
            text.push(b'\n');
        }
        out.write_all(&text)
    });
    written(result.await).map(|_| ())
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

/// The texts of `-c`, else of a file, else of standard input.
fn texts(invocation: &Invocation) -> Result<Vec<String>, Error> {
    if let Some(texts) = invocation.matches.get_many::<String>("sql") {
        return Ok(texts.cloned().collect());
    }
    let path = invocation.matches.get_one::<PathBuf>("file").map_or(Path::new("-"), PathBuf::as_path);
    let read = if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(path)
    };
    read.map(|text| vec![text]).map_err(|source| Error::File { operation: "read", path: path.to_owned(), source })
}
