//! The figures of `docs/reliability.md`, each told by the test that counts it. `RELIABILITY=write` has the tests write
//! their sections; otherwise a test fails whose section says something else than it counted.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Every section, in the order of the document.
const SECTIONS: [&str; 10] = [
    "Faults at the source",
    "Hostile input",
    "Large pages",
    "Readers in mid-write",
    "Faults at the lake",
    "Kills of other runs, and at any moment",
    "Kills of loads",
    "Locks",
    "S3",
    "Fuzzing",
];

/// What a test counted.
pub struct Figure {
    what: String,
    number: String,
    seen: usize,
}

impl Figure {
    /// A number that is the same in every run.
    pub fn exact(what: impl Into<String>, number: usize) -> Self {
        Self { what: what.into(), number: number.to_string(), seen: number }
    }

    /// What every single trial demanded to be none, and ended the test where it was not.
    pub fn never(what: impl Into<String>) -> Self {
        Self::exact(what, 0)
    }

    /// A number that nothing is promised of: `just reliability` prints it.
    pub fn counted(what: impl Into<String>, seen: usize) -> Self {
        Self { what: what.into(), number: "counted".to_owned(), seen }
    }

    /// A number that depends on the moment: `seen` must be no less than what is `promised`.
    pub fn at_least(what: impl Into<String>, seen: usize, promised: usize) -> Self {
        let what = what.into();
        assert!(seen >= promised, "{what}: expected at least {promised}, found {seen}");
        Self { what, number: format!("≥ {promised}"), seen }
    }
}

/// Holds the figures of a test against its section of the document.
///
/// # Panics
/// Where the section says something else.
#[expect(clippy::print_stdout, reason = "what a test counted is seen with --show-output")]
pub fn tell(section: &str, figures: &[Figure]) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    // A section that differs fails its own test, no other.
    assert!(SECTIONS.contains(&section), "`{section}` is no section");
    for Figure { what, seen, .. } in figures {
        println!("{section}: {what}: {seen}");
    }
    let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let told = rendered(figures);
    if std::env::var("RELIABILITY").as_deref() == Ok("write") {
        std::fs::write(&path, with_section(&document, section, &told)).unwrap();
    } else {
        let found = body(&document, section);
        assert_eq!(found, Some(told.as_str()), "docs/reliability.md, `{section}`: `just reliability` writes it anew");
    }
}

fn rendered(figures: &[Figure]) -> String {
    let mut table = "| what | number |\n| --- | ---: |\n".to_owned();
    for Figure { what, number, .. } in figures {
        writeln!(table, "| {what} | {number} |").unwrap();
    }
    table
}

fn heading(section: &str) -> String {
    format!("\n## {section}\n\n")
}

/// The text of a section, without its heading.
fn body<'a>(document: &'a str, section: &str) -> Option<&'a str> {
    let behind = document.split_once(&heading(section))?.1;
    Some(behind.find("\n## ").map_or(behind, |end| &behind[..end]))
}

fn with_section(document: &str, section: &str, told: &str) -> String {
    match body(document, section) {
        Some(before) => document.replace(&(heading(section) + before), &(heading(section) + told)),
        None => format!("{document}{}{told}", heading(section)),
    }
}

#[test]
fn the_document_has_the_sections_that_tests_tell_and_no_others() {
    let document = include_str!("../../docs/reliability.md");
    let found: Vec<_> = document.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(found, SECTIONS);
}

#[test]
fn a_section_takes_the_place_of_the_one_before() {
    let first = with_section("# Title\n", "One", &rendered(&[Figure::exact("rows lost", 0)]));
    let both = with_section(&first, "Two", &rendered(&[Figure::at_least("kills", 7, 5)]));
    let again = with_section(&both, "One", &rendered(&[Figure::exact("rows lost", 1)]));
    assert_eq!(body(&again, "One"), Some("| what | number |\n| --- | ---: |\n| rows lost | 1 |\n"));
    assert_eq!(body(&again, "Two"), Some("| what | number |\n| --- | ---: |\n| kills | ≥ 5 |\n"));
    assert_eq!(body(&again, "Three"), None);
}
