//! What the engine and its parser say, in our words.

use datafusion::common::DataFusionError;

use super::QueryError;
use super::suggest::quoted;

/// The engine's message without its prefixes and back trace.
pub(super) fn plain(error: &DataFusionError) -> String {
    let root = error.find_root();
    let text = match root {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        other => other.message().into_owned(),
    };
    let text = text.split(DataFusionError::BACK_TRACE_SEP).next().unwrap_or_default();
    if let Some(said) = of_signature(text) {
        return said;
    }
    let text = of_arguments(text).unwrap_or(text);
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}

/// What a function of ours says of its arguments, without the engine's frame around it.
fn of_arguments(text: &str) -> Option<&str> {
    let (_, said) = text.split_once("user-defined coercion failed with: Error during planning: ")?;
    said.split(" No function matches").next().map(|said| said.trim_end_matches('.'))
}

/// What a function of the engine says of arguments that it does not take: which it takes.
fn of_signature(text: &str) -> Option<String> {
    if of_arguments(text).is_some() {
        return None;
    }
    let (_, said) = text.split_once("No function matches the given name and argument types '")?;
    let (call, said) = said.split_once('\'')?;
    let (_, candidates) = said.split_once("Candidate functions:")?;
    let candidates: Vec<_> = candidates.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    // How text is held inside says nothing to who wrote the statement.
    let call = call.replace("Utf8View", "Utf8");
    Some(format!("expected {}, found `{call}`", quoted(&candidates, " or ")))
}

/// The function that a statement names and the engine does not have.
pub(super) fn unknown_function(error: &DataFusionError) -> Option<String> {
    let text = error.find_root().message().into_owned();
    let (name, _) = text.strip_prefix("Invalid function '")?.split_once('\'')?;
    Some(name.to_owned())
}

/// What the parser says of text that is no SQL.
pub(super) fn syntax(error: &DataFusionError, sql: &str) -> QueryError {
    let spelled = [
        ("sql parser error: ", ""),
        ("Expected: ", "expected "),
        (", found: ", ", found "),
        (" at Line: ", " at line "),
        (", Column: ", ", column "),
    ];
    let plain = plain(error);
    let message = spelled.iter().fold(plain, |text, (theirs, ours)| text.replacen(theirs, ours, 1));
    let message = message.replace("found EOF", "found the end");
    let place = if message.ends_with("found the end") { end(sql) } else { place(&message) };
    let excerpt = place.and_then(|(line, column)| excerpt(sql, line, column));
    QueryError::Syntax { message, excerpt }
}

/// Line and column behind the last word.
fn end(sql: &str) -> Option<(usize, usize)> {
    let (at, line) = sql.trim_end().lines().enumerate().last()?;
    Some((at + 1, line.chars().count() + 1))
}

/// The field of a struct that an expression names and the struct does not have.
pub(super) fn unknown_field(message: &str) -> Option<String> {
    let (name, _) = message.strip_prefix("Field ")?.split_once(" not found in struct")?;
    Some(name.to_owned())
}

/// Line and column, from 1, that the parser names at the end of its message.
fn place(message: &str) -> Option<(usize, usize)> {
    let (_, place) = message.rsplit_once(" at line ")?;
    let (line, column) = place.split_once(", column ")?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// Characters of a line that are shown on either side of a place.
const SHOWN: usize = 60;

/// The line, cut to what lies near the column, and a `^` below the column.
fn excerpt(sql: &str, line: usize, column: usize) -> Option<String> {
    let text = sql.lines().nth(line.checked_sub(1)?)?;
    let first = column.checked_sub(1)?.saturating_sub(SHOWN);
    // A character that is no single cell would move what follows it.
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let shown: String = text.chars().skip(first).take(2 * SHOWN).map(plain).collect();
    Some(format!("{}\n{}^", shown.trim_end(), " ".repeat(column - 1 - first)))
}
