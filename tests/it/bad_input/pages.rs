//! Saved pages that are none.

use std::fs;
use std::path::PathBuf;

use crate::loaded::{Contents, Loaded, refused};

/// Of the pages that a load saved, one with records.
fn largest_page(loaded: &Loaded) -> PathBuf {
    let pages = Contents::of(&loaded.path().join("pages"));
    let pages = pages.files().filter(|(path, _)| !path.ends_with("manifest.json"));
    pages.max_by_key(|(_, bytes)| bytes.len()).unwrap().0.to_owned()
}

#[test]
fn half_a_page_is_named_and_the_others_are_loaded() {
    let loaded = Loaded::by("--save-pages pages --window 6h");
    let page = largest_page(&loaded);
    let whole = fs::read(&page).unwrap();
    fs::write(&page, &whole[..whole.len() / 2]).unwrap();
    let count = |lake: &str| {
        let program = loaded.program(&format!("query --lake {lake} --format csv -c"));
        program.arg("SELECT count(*) AS rows FROM conversations").run().output()
    };
    insta::assert_snapshot!(loaded.program("replay --lake replayed pages").run(), @"
    exit 5
    --- stdout
    replay: incomplete in [s] s
      pages     10, [size] of JSON, 76 records
      rows      76 new, 0 changed, 0 unchanged, 0 superseded; 0 not returned and kept
      rejects   0, 0 of them new
      days      2 written ([size]), 0 unchanged
      memory    [size] at its peak
    --- stderr
    error: `pages/[run]/20260302060000_20260302120000_0000_[time].json`: expected a saved page (`kore_lake_page`) or an answer with `data`, found a file that is cut off: EOF at [place]
    ");
    assert_ne!(count("replayed"), count("lake"));
    fs::write(&page, &whole).unwrap();
    assert_eq!(loaded.program("replay -q --lake replayed pages").run().output(), "");
    assert_eq!(count("replayed"), count("lake"));
}

#[test]
fn a_file_that_is_no_page_is_named() {
    let loaded = Loaded::new();
    let replay = |name: &str, text: &str| {
        fs::write(loaded.path().join(name), text).unwrap();
        let days = loaded.days();
        refused(&days, loaded.program("replay -q --account-id a").arg(name))
    };
    insta::assert_snapshot!(replay("other.json", r#"{"rows": []}"#), @"
    exit 5
    --- stderr
    error: `other.json`: expected a saved page (`kore_lake_page`) or an answer with `data`, found a JSON object with neither
    ");
    insta::assert_snapshot!(replay("list.json", "[]"), @"
    exit 5
    --- stderr
    error: `list.json`: expected a saved page (`kore_lake_page`) or an answer with `data`, found no JSON object
    ");
    insta::assert_snapshot!(replay("empty.json", ""), @"
    exit 5
    --- stderr
    error: `empty.json`: expected a saved page (`kore_lake_page`) or an answer with `data`, found an empty file
    ");
    insta::assert_snapshot!(replay("future.json", r#"{"kore_lake_page": 2}"#), @"
    exit 5
    --- stderr
    error: `future.json`: expected a saved page (`kore_lake_page`) or an answer with `data`, found a saved page of version 2
    ");
    insta::assert_snapshot!(replay("partial.json", r#"{"kore_lake_page": 1}"#), @"
    exit 5
    --- stderr
    error: `partial.json`: expected a whole saved page, found one without `request`, `fetched_at` or `body`
    ");
    insta::assert_snapshot!(replay("records.json", r#"{"data": {}}"#), @"
    exit 5
    --- stderr
    error: `records.json`: expected `data` to be an array, found an object
    ");
}

#[test]
fn a_path_without_pages_is_named() {
    let loaded = Loaded::new();
    fs::create_dir(loaded.path().join("empty")).unwrap();
    let days = loaded.days();
    let replay = |line: &str| refused(&days, loaded.program(&format!("replay -q {line}")));
    insta::assert_snapshot!(replay("empty"), @"
    exit 2
    --- stderr
    error: expected saved pages, found no `*.json` file in the folders given
    ");
    insta::assert_snapshot!(replay("nowhere"), @"
    exit 2
    --- stderr
    error: no such file or folder: `nowhere`
    ");
}

#[test]
fn a_bare_answer_needs_an_account() {
    let loaded = Loaded::new();
    fs::write(loaded.path().join("answer.json"), r#"{"data": []}"#).unwrap();
    let days = loaded.days();
    insta::assert_snapshot!(refused(&days, loaded.program("replay -q answer.json")), @"
    exit 2
    --- stderr
    error: `answer.json`: a bare answer names no account, expected one by `--account-id`
    ");
}

/// Two records, one of them without a session's id.
const REJECTED: &str = r#"{"data": [
    {"sessionId": "s-1", "sessionStartTime": "2026-03-02T08:00:00.000Z"},
    {"sessionStartTime": "2026-03-02T09:00:00.000Z"}
]}"#;

#[test]
fn rejected_records_are_kept_and_reported_once() {
    let loaded = Loaded::new();
    fs::write(loaded.path().join("answer.json"), REJECTED).unwrap();
    let replay =
        |more: &str| loaded.program(&format!("replay --lake replayed --account-id a answer.json {more}")).run();
    insta::assert_snapshot!(replay(""), @"
    exit 8
    --- stdout
    replay: complete but for rejects in [s] s
      pages     1, [size] of JSON, 2 records
      rows      1 new, 0 changed, 0 unchanged, 0 superseded; 0 not returned and kept
      rejects   1, 1 of them new
      days      1 written ([size]), 0 unchanged
      memory    [size] at its peak
    --- stderr
    error: records rejected: 1; their texts and the reasons lie in `_kore_lake/rejects/` of the lake
    ");
    let rows = loaded.program("query --lake replayed --format csv -c").arg("SELECT session_id FROM conversations");
    assert_eq!(rows.run().output(), "session_id\ns-1\n");
    let rejects = Contents::of(&loaded.path().join("replayed/_kore_lake/rejects"));
    assert!(rejects.text().contains("2026-03-02T09:00:00.000Z"), "{}", rejects.text());

    assert_eq!(replay("-q").output(), "");
    insta::assert_snapshot!(replay("-q --strict"), @"
    exit 8
    --- stderr
    error: records rejected: 1; their texts and the reasons lie in `_kore_lake/rejects/` of the lake
    ");
    assert!(Contents::of(&loaded.path().join("replayed/_kore_lake/rejects")).changed_since(&rejects).is_empty());
}
