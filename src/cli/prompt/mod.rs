//! `kore-lake query` with a person at it: a line in, an answer out, until the end.

mod command;
mod editor;
mod history;
mod terminal;
mod words;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kore_lake::error::Error;
use kore_lake::pipeline::Signal;
use kore_lake::query::{Format, Layout, Rows, Session, reports};

use self::command::{Command, HELP};
use self::editor::{Editor, Input};
use self::words::Words;
use super::output::Output;
use super::signals::Signals;
use super::{End, Invocation, output, print, query, report};

/// What a person has set.
struct Prompt {
    session: Session,
    signals: Signals,
    /// The format asked for on the command line; else a table.
    format: Option<Format>,
    layout: Layout,
    timing: bool,
    /// The file of `--out`.
    file: Option<Output>,
}

/// How the prompt goes on after an answer.
enum Next {
    Ask,
    Leave,
}

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    let file = invocation.matches.get_one::<PathBuf>("out").map(|target| Output::file(target)).transpose()?;
    let format = invocation.argument("format").map(|_| output::format(invocation)).transpose()?;
    let session = query::open(invocation).await?;
    let mut prompt =
        Prompt { session, signals: Signals::handled()?, format, layout: Layout::Table, timing: false, file };
    if !invocation.quiet {
        let lake = &invocation.settings.lake;
        print::note(&format!("Lake {lake}. A statement ends with `;`; \\? for help, \\q to leave."));
    }
    let found = terminal::state();
    let ended = prompt.serve().await;
    // The editor may be at work still, if a signal ended it.
    terminal::restore(found);
    ended?;
    prompt.file.map_or(Ok(()), Output::finish).map(|()| End::Done)
}

impl Prompt {
    async fn serve(&mut self) -> Result<(), Error> {
        let mut editor = Editor::start(history::file());
        loop {
            let words = Arc::new(Words::of(&self.session).await);
            let answered = match editor.read(words, &mut self.signals).await? {
                Input::Text(text) => self.answer(text.trim()).await,
                Input::Dropped => continue,
                Input::End => return Ok(()),
            };
            match answered {
                Ok(Next::Ask) => {}
                Ok(Next::Leave) => return Ok(()),
                // Nobody can read an answer, or the program is to end.
                Err(error @ (Error::Output(_) | Error::Ended)) => return Err(error),
                Err(error) => print::error(&error),
            }
        }
    }

    async fn answer(&mut self, text: &str) -> Result<Next, Error> {
        if text.is_empty() {
            return Ok(Next::Ask);
        }
        let Some(command) = Command::of(text) else {
            return self.statements(text).await;
        };
        match command? {
            Command::Tables => self.show(self.session.catalog().await).await?,
            Command::Describe(name) => self.show(self.session.describe(&name).await?).await?,
            Command::Reports => tell(&report_list())?,
            Command::Report { name, given } => self.report(&name, &given).await?,
            Command::Timing(on) => self.switch_timing(on),
            Command::Records(on) => self.switch_records(on),
            Command::Help => tell(HELP)?,
            Command::Quit => return Ok(Next::Leave),
        }
        Ok(Next::Ask)
    }

    fn switch_timing(&mut self, on: Option<bool>) {
        self.timing = on.unwrap_or(!self.timing);
        print::note(&format!("Timing is {}.", word(self.timing)));
    }

    fn switch_records(&mut self, on: Option<bool>) {
        let on = on.unwrap_or(self.layout == Layout::Table);
        self.layout = if on { Layout::Records } else { Layout::Table };
        print::note(&format!("A block for each row is {}.", word(on)));
    }

    async fn statements(&mut self, text: &str) -> Result<Next, Error> {
        for statement in self.session.parse(text)? {
            let began = Instant::now();
            let work = self.session.run(&statement);
            let rows = self.signals.unless_stopped(work).await.map_err(stopped)??;
            self.rows(rows, began).await?;
        }
        Ok(Next::Ask)
    }

    async fn report(&mut self, name: &str, given: &report::Given) -> Result<(), Error> {
        let began = Instant::now();
        for (report, params) in report::bind(&[name], given)? {
            let work = self.session.report(report, &params);
            let rows = self.signals.unless_stopped(work).await.map_err(stopped)??;
            self.rows(rows, began).await?;
        }
        Ok(())
    }

    /// Prints rows that were asked for, and how many there were.
    async fn rows(&mut self, rows: Rows, began: Instant) -> Result<(), Error> {
        let answers = !rows.schema().fields().is_empty();
        let (count, took) = self.print(rows, began).await?;
        let time = if self.timing { Some(format!("{:.1} ms", took.as_secs_f64() * 1000.0)) } else { None };
        let count = answers.then(|| if count == 1 { "1 row".to_owned() } else { format!("{count} rows") });
        let said: Vec<_> = count.into_iter().chain(time).collect();
        if !said.is_empty() {
            print::note(&format!("({})", said.join(", ")));
        }
        Ok(())
    }

    async fn show(&mut self, rows: Rows) -> Result<(), Error> {
        self.print(rows, Instant::now()).await.map(|_| ())
    }

    /// Prints rows to the terminal or the file, and says how many there were and when the last was there.
    async fn print(&mut self, rows: Rows, began: Instant) -> Result<(usize, Duration), Error> {
        let mut terminal = self.file.is_none().then(output_here);
        let output = terminal.as_mut().or(self.file.as_mut()).expect("one of both");
        let screen = output.screen(self.layout).filter(|_| self.format.is_none_or(|format| format == Format::Table));
        let work = async {
            match screen {
                Some(screen) => query::write_screen(rows, screen, output).await,
                None => query::write_rows(rows, self.format.unwrap_or(Format::Table), output).await,
            }
        };
        let written = left_early(self.signals.unless_stopped(work).await.map_err(stopped)?);
        let took = began.elapsed();
        if let Some(output) = terminal {
            left_early(output.finish().map(|()| 0))?;
        }
        Ok((written?, took))
    }
}

/// Prints what is no answer of the lake.
fn tell(text: &str) -> Result<(), Error> {
    let mut output = output_here();
    left_early(output.writer().write_all(text.as_bytes()).map(|()| 0).map_err(Error::Output))?;
    left_early(output.finish().map(|()| 0)).map(|_| ())
}

/// Standard output, a terminal or not.
fn output_here() -> Output {
    if print::stdout_is_terminal() { Output::terminal() } else { Output::stdout() }
}

/// A pager that was left before the end has shown enough.
fn left_early(written: Result<usize, Error>) -> Result<usize, Error> {
    match written {
        Err(Error::Output(error)) if error.kind() == std::io::ErrorKind::BrokenPipe && print::stdout_is_terminal() => {
            Ok(0)
        }
        other => other,
    }
}

fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn report_list() -> String {
    let widest = reports().iter().map(|report| report.name.len()).max().unwrap_or(0);
    let first = |purpose: &'static str| purpose.split_inclusive(". ").next().unwrap_or(purpose);
    let line = |name: &str, purpose: &str| format!("{name:widest$}  {}\n", purpose.trim_end());
    let lines: String = reports().iter().map(|report| line(report.name, first(report.purpose))).collect();
    lines + "\nRun one with \\report NAME [parameter=value …]\n"
}

/// The error of a signal that came while something was done.
fn stopped(signal: Signal) -> Error {
    match signal {
        Signal::Interrupt => Error::Cancelled,
        Signal::Terminate => Error::Ended,
    }
}
