//! What Tab completes: the names that fit where the cursor is.

use std::collections::BTreeSet;

use kore_lake::query::{Param, ParamType, Session, report, reports};

use super::command::NAMES;

const KEYWORDS: &[&str] = &[
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CREATE VIEW",
    "CROSS JOIN",
    "DATE",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "EXPLAIN ANALYZE",
    "EXTRACT",
    "FALSE",
    "FILTER",
    "FIRST",
    "FROM",
    "FULL JOIN",
    "GROUP BY",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER JOIN",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LAST",
    "LEFT JOIN",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER BY",
    "OVER",
    "PARTITION BY",
    "RIGHT JOIN",
    "SELECT",
    "SHOW FUNCTIONS",
    "SHOW TABLES",
    "THEN",
    "TIMESTAMP",
    "TRUE",
    "UNION ALL",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
];

/// After these comes a table.
const BEFORE_TABLES: [&str; 3] = ["FROM", "JOIN", "DESCRIBE"];

/// Names of a session.
#[derive(Debug, Default)]
pub struct Words {
    tables: Vec<(String, Vec<String>)>,
    functions: Vec<String>,
}

impl Words {
    pub async fn of(session: &Session) -> Self {
        let mut tables = Vec::new();
        for name in session.tables() {
            let schema = session.columns(&name).await;
            let columns = schema.iter().flat_map(|schema| schema.fields().iter().map(|field| field.name().clone()));
            let columns = columns.collect();
            tables.push((name, columns));
        }
        Self { tables, functions: session.functions() }
    }

    /// Where the word at the cursor begins, and what it may become.
    pub fn complete(&self, line: &str, pos: usize) -> (usize, Vec<String>) {
        let before = &line[..pos];
        if let Some(command) = before.trim_start().strip_prefix('\\') {
            let start = after_last(before, char::is_whitespace);
            let words: Vec<_> = command[..command.len().saturating_sub(pos - start)].split_whitespace().collect();
            return (start, beginning_with(&before[start..], self.after_command(&words)));
        }
        let start = after_last(before, |c| !c.is_alphanumeric() && c != '_');
        let word = &before[start..];
        let candidates = if before[..start].ends_with('.') {
            self.columns(line)
        } else if BEFORE_TABLES.iter().any(|keyword| last_word(&before[..start]).eq_ignore_ascii_case(keyword)) {
            self.tables().collect()
        } else {
            self.everything(line, word)
        };
        (start, beginning_with(word, candidates))
    }

    /// What may follow the words of a command, the first of which is its name.
    fn after_command(&self, words: &[&str]) -> Vec<String> {
        match words {
            [] => NAMES.map(str::to_owned).to_vec(),
            ["d"] => self.tables().collect(),
            ["report"] => reports().iter().map(|report| report.name.to_owned()).collect(),
            ["report", name, ..] => {
                report(name).map_or_else(|_| Vec::new(), |report| report.params.iter().flat_map(settings).collect())
            }
            ["timing" | "x"] => vec!["off".to_owned(), "on".to_owned()],
            _ => Vec::new(),
        }
    }

    fn tables(&self) -> impl Iterator<Item = String> {
        self.tables.iter().map(|(name, _)| name.clone())
    }

    /// Columns of the tables that the text names; of all where it names none yet.
    fn columns(&self, line: &str) -> Vec<String> {
        let words: BTreeSet<String> =
            line.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_lowercase).collect();
        let named = |(name, _): &&(String, Vec<String>)| words.contains(name);
        let some = self.tables.iter().any(|table| named(&table));
        self.tables.iter().filter(|table| !some || named(table)).flat_map(|(_, columns)| columns.clone()).collect()
    }

    fn everything(&self, line: &str, word: &str) -> Vec<String> {
        let lower = word.chars().next().is_some_and(char::is_lowercase);
        let keyword = |keyword: &&str| if lower { keyword.to_lowercase() } else { (*keyword).to_owned() };
        let functions = self.functions.iter().map(|name| format!("{name}("));
        let names = self.columns(line).into_iter().chain(self.tables()).chain(functions);
        names.chain(KEYWORDS.iter().map(keyword)).collect()
    }
}

/// `name=`, or all that may be given where that is known.
fn settings(param: &Param) -> Vec<String> {
    match &param.param_type {
        ParamType::OneOf(words) => words.iter().map(|word| format!("{}={word}", param.name)).collect(),
        _ => vec![format!("{}=", param.name)],
    }
}

/// Where the text goes on behind the last such character.
fn after_last(text: &str, is: fn(char) -> bool) -> usize {
    text.char_indices().rfind(|(_, c)| is(*c)).map_or(0, |(at, c)| at + c.len_utf8())
}

fn last_word(text: &str) -> &str {
    text.split_whitespace().next_back().unwrap_or_default()
}

/// Sorted, each once; upper and lower case are the same.
fn beginning_with(word: &str, candidates: Vec<String>) -> Vec<String> {
    let word = word.to_lowercase();
    let fitting: BTreeSet<String> =
        candidates.into_iter().filter(|candidate| candidate.to_lowercase().starts_with(&word)).collect();
    fitting.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(line: &str) -> (usize, Vec<String>) {
        let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let words = Words {
            tables: vec![
                ("contacts".to_owned(), columns(&["channel", "first_queue_name"])),
                ("queue_entries".to_owned(), columns(&["channel", "queue_id"])),
            ],
            functions: vec!["char_length".to_owned(), "count".to_owned()],
        };
        words.complete(line, line.len())
    }

    #[test]
    fn a_table_follows_from_and_describe() {
        assert_eq!(complete("select * from con"), (14, vec!["contacts".to_owned()]));
        assert_eq!(complete("\\d q"), (3, vec!["queue_entries".to_owned()]));
    }

    #[test]
    fn columns_are_those_of_the_tables_named() {
        assert_eq!(complete("SELECT queue_").1, ["queue_entries", "queue_id"]);
        assert_eq!(complete("SELECT 1 FROM contacts WHERE ch").1, ["channel", "char_length("]);
        assert_eq!(complete("SELECT 1 FROM contacts AS c WHERE c.").1, ["channel", "first_queue_name"]);
        assert_eq!(complete("SELECT 1 FROM contacts WHERE queue_i").1, [""; 0]);
    }

    #[test]
    fn keywords_come_in_the_case_that_is_typed() {
        assert_eq!(complete("SELECT 1 gro").1, ["group by"]);
        assert_eq!(complete("SELECT 1 GRO").1, ["GROUP BY"]);
        assert_eq!(complete("größe con").1, ["contacts"]);
    }

    #[test]
    fn commands_reports_and_their_parameters_are_completed() {
        assert_eq!(complete("\\rep"), (0, vec!["\\report".to_owned(), "\\reports".to_owned()]));
        assert_eq!(complete("\\report vol"), (8, vec!["volume".to_owned()]));
        assert_eq!(complete("\\report volume inter").1[0], "interval=15m");
        assert_eq!(complete("\\report volume time_zone=UTC fr").1, ["from="]);
    }
}
