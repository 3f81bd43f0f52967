//! The first command of the README, in an empty folder and with an empty environment.

use std::path::Path;
use std::process::Command;

use crate::binary::{kore_lake, succeed};
use crate::contents::objects;

/// The commands that the demo says show the rest of a report.
fn for_the_rest(shown: &str) -> Vec<&str> {
    shown.lines().filter_map(|line| line.split_once("; all of them: ")).map(|(_, command)| command).collect()
}

/// The commands that the demo says to try next.
fn proposed(shown: &str) -> Vec<&str> {
    let (_, commands) = shown.split_once("Try next:").expect("the demo says what to try next");
    commands.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

fn in_a_shell(folder: &Path, command: &str) -> String {
    succeed(Command::new("/bin/sh").args(["-c", command]).current_dir(folder).env_clear())
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
    for command in commands.into_iter().chain(for_the_rest(&shown)) {
        let answer = in_a_shell(folder.path(), command);
        assert!(answer.lines().count() > 1, "{command}: {answer}");
    }
}

#[test]
fn what_the_demo_says_to_try_next_names_its_lake() {
    let folder = tempfile::tempdir().unwrap();
    let shown = kore_lake(folder.path(), &["demo", "--lake", "some where"]);
    assert!(!folder.path().join("lake").exists());
    let (next, rest) = (proposed(&shown), for_the_rest(&shown));
    assert!(!rest.is_empty(), "{shown}");
    for command in [next[0], rest[0]] {
        in_a_shell(folder.path(), command);
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
