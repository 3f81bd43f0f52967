/// A bundled report: one statement in the dialect that DataFusion, DuckDB and Spark share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Name, as the user writes it.
    pub name: &'static str,
    /// What it says, in one sentence or two.
    pub purpose: &'static str,
    /// Parameters, in the order of the header.
    pub params: Vec<Param>,
    /// Columns of the answer, in order.
    pub columns: Vec<ReportColumn>,
    /// The whole text of the file; `$name` stands for a parameter.
    pub sql: &'static str,
}

/// A parameter of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Name, without `$`.
    pub name: &'static str,
    /// What its value may be.
    pub param_type: ParamType,
    /// Default, as the user would write it; none means null, which leaves the parameter out of account.
    pub default: Option<&'static str>,
    /// What it does.
    pub description: &'static str,
}

/// What the value of a parameter may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParamType {
    /// A date, `2026-01-31`.
    Date,
    /// Any text.
    Text,
    /// An IANA name of a time zone.
    Zone,
    /// A whole number from 0 to 100,000.
    Integer,
    /// A number from 0 to 1.
    Share,
    /// One of a list of words.
    OneOf(Vec<&'static str>),
}

/// A column of a report's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportColumn {
    /// Name.
    pub name: &'static str,
    /// What it holds, with its unit.
    pub description: &'static str,
}

impl Report {
    /// Reads a report from its text.
    ///
    /// # Panics
    /// On a header that breaks the form; the bundled ones are tested.
    pub(super) fn read(sql: &'static str) -> Self {
        let all = |key: &str| -> Vec<&'static str> { header_lines(sql, key).collect() };
        let one = |key: &str| *all(key).first().unwrap_or_else(|| panic!("a report's header names no `{key}`"));
        Self {
            name: one("name"),
            purpose: one("purpose"),
            params: all("param").into_iter().map(Param::read).collect(),
            columns: all("column").into_iter().map(ReportColumn::read).collect(),
            sql,
        }
    }
}

fn header_lines(sql: &'static str, key: &str) -> impl Iterator<Item = &'static str> {
    let prefix = format!("-- {key}: ");
    sql.lines().filter_map(move |line| line.strip_prefix(&prefix)).map(str::trim)
}

impl Param {
    /// `name type default description`, where a default of `none` means null.
    fn read(line: &'static str) -> Self {
        let mut words = line.splitn(4, ' ');
        let mut word = || words.next().unwrap_or_else(|| panic!("a report's parameter lacks a word: `{line}`"));
        let (name, param_type, default, description) = (word(), ParamType::read(word()), word(), word());
        Self { name, param_type, default: (default != "none").then_some(default), description }
    }
}

impl ParamType {
    fn read(word: &'static str) -> Self {
        match word {
            "date" => Self::Date,
            "text" => Self::Text,
            "zone" => Self::Zone,
            "integer" => Self::Integer,
            "share" => Self::Share,
            words => Self::OneOf(words.split('|').collect()),
        }
    }
}

impl ReportColumn {
    fn read(line: &'static str) -> Self {
        let (name, description) =
            line.split_once(' ').unwrap_or_else(|| panic!("a report's column lacks a description: `{line}`"));
        Self { name, description }
    }
}
