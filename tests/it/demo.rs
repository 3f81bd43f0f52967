//! The first command of the README, in an empty folder and with an empty environment.

use std::path::Path;
use std::process::Command;

use crate::binary::{kore_lake, program, succeed};
use crate::contents::objects;

/// The commands that the demo says to try next.
fn proposed(shown: &str) -> Vec<&str> {
    shown.lines().map(str::trim).filter(|line| line.starts_with("kore-lake ")).collect()
}

fn in_a_shell(folder: &Path, command: &str) -> String {
    let path = program().parent().unwrap();
    succeed(Command::new("/bin/sh").args(["-c", command]).current_dir(folder).env_clear().env("PATH", path))
}

#[test]
fn the_demo_loads_a_week_reports_on_it_and_says_what_to_try_next() {
    let folder = tempfile::tempdir().unwrap();
    let shown = kore_lake(folder.path(), &["demo"]);
    for report in ["volume", "containment", "service_level", "queue_wait", "agent_performance"] {
        assert!(shown.contains(&format!("## {report}: ")), "no report `{report}`:\n{shown}");
    }
    for fact in ["load: complete", "windows", "requests", "rows", "rejects", "memory", "The lake lies in ./lake"] {
        assert!(shown.contains(fact), "no `{fact}`:\n{shown}");
    }
    let commands = proposed(&shown);
    assert_eq!(commands.len(), 3, "{shown}");
    for command in commands {
        let answer = in_a_shell(folder.path(), command);
        assert!(answer.lines().count() > 1, "{command}: {answer}");
    }
}

#[test]
fn a_second_demo_changes_no_object() {
    let folder = tempfile::tempdir().unwrap();
    kore_lake(folder.path(), &["demo"]);
    let before = objects(&folder.path().join("lake"));
    let shown = kore_lake(folder.path(), &["demo"]);
    assert!(shown.contains(" 0 new, 0 changed, "), "{shown}");
    assert!(before == objects(&folder.path().join("lake")), "objects were written again");
}
