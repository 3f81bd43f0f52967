//! The rooms and the order of imports that ARCHITECTURE.md states, held against the sources.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room with the rooms that it may import.
const ROOMS: &[(&str, &[&str])] = &[
    ("schema", &[]),
    ("clock", &[]),
    ("source", &["schema", "clock"]),
    ("decode", &["schema", "clock", "source"]),
    ("lake", &["schema", "clock", "decode"]),
    ("query", &["schema", "clock", "lake"]),
    ("dashboard", &["schema", "clock", "lake", "query"]),
    ("simulator", &[]),
    ("config", &["schema", "clock"]),
    ("error", &["schema", "clock", "source", "decode", "lake", "query", "simulator", "config"]),
    ("pipeline", &["schema", "clock", "source", "decode", "lake", "query", "config", "error"]),
];

/// Each foreign crate that has a home, with the places that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("reqwest", &["source"]),
    ("rustls", &["source"]),
    ("parquet", &["lake"]),
    ("datafusion", &["query", "lake/merge", "lake/error"]),
    ("datafusion_functions_json", &["query"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("indicatif", &["cli"]),
    ("rustyline", &["cli/prompt/editor"]),
    ("nix", &["cli/prompt/terminal"]),
    ("terminal_size", &["cli/print"]),
    ("axum", &["simulator"]),
    ("jsonwebtoken", &["source", "simulator"]),
    ("toml", &["config"]),
];

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file, as its path below `src/` and its text without comments and test modules.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![source_folder()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(source_folder()).unwrap().to_str().unwrap().to_owned();
                found.push((name, code(&fs::read_to_string(&path).unwrap())));
            }
        }
    }
    found.retain(|(name, _)| !name.ends_with("tests.rs") && !name.contains("/tests/"));
    found
}

fn code(text: &str) -> String {
    let before_tests = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let without_comments = before_tests.lines().map(|line| line.split("//").next().unwrap_or(""));
    without_comments.collect::<Vec<_>>().join("\n")
}

/// The room that a file belongs to: the first part of its path.
fn room(name: &str) -> &str {
    name.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The identifiers that follow `prefix::`, also inside `prefix::{…}`.
fn named_after(text: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices(prefix) {
        let rest = &text[at + prefix.len()..];
        let group = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(group, _)| group.split(','));
        let first =
            |part: &str| part.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().map(str::to_owned);
        match group {
            Some(parts) => names.extend(parts.filter_map(first)),
            None => names.extend(first(rest)),
        }
    }
    names
}

#[test]
fn rooms_import_only_what_lies_below_or_to_their_left() {
    for (name, text) in sources() {
        if matches!(room(&name), "lib" | "main" | "cli") {
            continue;
        }
        let (_, allowed) = ROOMS.iter().find(|(room_name, _)| *room_name == room(&name)).unwrap_or_else(|| {
            panic!("`src/{name}` belongs to no room that ARCHITECTURE.md names");
        });
        for import in named_after(&text, "crate::") {
            let known = ROOMS.iter().any(|(room_name, _)| *room_name == import);
            let fine = import == room(&name) || allowed.contains(&import.as_str());
            assert!(!known || fine, "`src/{name}` imports `{import}`");
        }
    }
}

#[test]
fn the_command_line_sees_only_the_public_library() {
    for (name, text) in sources() {
        let above = matches!(room(&name), "main" | "cli");
        assert!(above || !text.contains("kore_lake::"), "`src/{name}` names the crate from outside");
        if above {
            let below = ROOMS.iter().map(|(room_name, _)| *room_name).collect::<BTreeSet<_>>();
            let reached = named_after(&text, "crate::");
            assert!(reached.iter().all(|name| !below.contains(name.as_str())), "`src/{name}` reaches past the library");
        }
    }
}

#[test]
fn every_foreign_crate_has_one_home() {
    for (name, text) in sources() {
        for (foreign, homes) in HOMES {
            let uses = text.match_indices(&format!("{foreign}::")).any(|(at, _)| {
                let before = text[..at].chars().next_back().unwrap_or(' ');
                !before.is_alphanumeric() && before != '_' && before != ':'
            });
            let at_home = homes.iter().any(|home| name.starts_with(home));
            assert!(!uses || at_home, "`src/{name}` names `{foreign}`, whose home is {homes:?}");
        }
    }
}

#[test]
fn every_room_has_a_door_sign() {
    for (room_name, _) in ROOMS {
        let folder = source_folder().join(room_name);
        let door = if folder.is_dir() { folder.join("mod.rs") } else { folder.with_extension("rs") };
        let text = fs::read_to_string(&door).unwrap();
        for word in ["**In:**", "**Out:**", "**Owns:**", "**Knows nothing of:**", "**Fails:**"] {
            assert!(text.contains(word), "`{}` lacks {word}", door.display());
        }
    }
}
