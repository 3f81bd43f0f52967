//! The line editor, on a thread of its own: it waits for keys, which no task of the runtime may.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use kore_lake::error::Error;
use kore_lake::pipeline::Signal;
use kore_lake::query::is_complete;
use rustyline::completion::Completer;
use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Behavior, Config, Context, Helper};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::super::signals::Signals;
use super::words::Words;

const PROMPT: &str = "kore-lake> ";

/// Statements that are remembered.
const REMEMBERED: usize = 10_000;

/// What a person did.
pub enum Input {
    /// A command, or statements with their `;`.
    Text(String),
    /// Ctrl-C: what was typed is dropped.
    Dropped,
    /// Ctrl-D on an empty line.
    End,
}

/// The editor's other end.
pub struct Editor {
    asks: Sender<Arc<Words>>,
    answers: UnboundedReceiver<Result<Input, ReadlineError>>,
}

impl Editor {
    pub fn start(history: Option<PathBuf>) -> Self {
        let (asks, asked) = channel();
        let (answer, answers) = unbounded_channel();
        thread::spawn(move || {
            if let Err(error) = serve(&asked, &answer, history.as_deref()) {
                let _ = answer.send(Err(error)); // Nobody waits for it where the prompt has ended.
            }
        });
        Self { asks, answers }
    }

    /// What a person types next.
    pub async fn read(&mut self, words: Arc<Words>, signals: &mut Signals) -> Result<Input, Error> {
        let _ = self.asks.send(words); // Where the thread has ended, its error comes next.
        loop {
            tokio::select! {
                biased;
                answer = self.answers.recv() => return match answer {
                    Some(answer) => answer.map_err(failed),
                    None => Ok(Input::End),
                },
                signal = signals.next() => if signal == Signal::Terminate {
                    return Err(super::stopped(signal));
                },
            }
        }
    }
}

fn failed(error: ReadlineError) -> Error {
    match error {
        ReadlineError::Io(error) => Error::Output(error),
        other => Error::Unexpected(format!("the line editor: {other}")),
    }
}

type Line = rustyline::Editor<Typist, FileHistory>;

fn serve(
    asked: &Receiver<Arc<Words>>,
    answer: &UnboundedSender<Result<Input, ReadlineError>>,
    history: Option<&Path>,
) -> Result<(), ReadlineError> {
    let mut line = open(history)?;
    while let Ok(words) = asked.recv() {
        line.set_helper(Some(Typist(words)));
        let input = match line.readline(PROMPT) {
            Ok(text) => {
                remember(&mut line, &text, history);
                Input::Text(text)
            }
            Err(ReadlineError::Interrupted) => Input::Dropped,
            Err(ReadlineError::Eof) => Input::End,
            Err(error) => return Err(error),
        };
        if answer.send(Ok(input)).is_err() {
            break;
        }
    }
    Ok(())
}

fn open(history: Option<&Path>) -> Result<Line, ReadlineError> {
    // The terminal itself where standard output goes elsewhere: that is for data.
    let config = Config::builder().behavior(Behavior::PreferTerm).history_ignore_space(true).build();
    let mut line = Line::with_config(config)?;
    line.set_max_history_size(REMEMBERED)?;
    if let Some(path) = history {
        let _ = line.load_history(path); // There is none the first time.
    }
    Ok(line)
}

/// Remembers at once: a prompt may be left by closing its terminal.
fn remember(line: &mut Line, text: &str, history: Option<&Path>) {
    let added = line.add_history_entry(text.trim_end());
    if let (Ok(true), Some(path)) = (added, history)
        && let Err(error) = line.append_history(path)
    {
        tracing::warn!(%error, "the statement is not remembered in `{}`", path.display());
    }
}

/// What helps with typing.
struct Typist(Arc<Words>);

impl Helper for Typist {}
impl Highlighter for Typist {}

impl Hinter for Typist {
    type Hint = String;
}

impl Completer for Typist {
    type Candidate = String;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.0.complete(line, pos))
    }
}

impl Validator for Typist {
    /// A new line goes on with the statement until its `;`.
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input().trim();
        let ends = text.is_empty() || super::Command::of(text).is_some() || is_complete(text);
        Ok(if ends { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}
