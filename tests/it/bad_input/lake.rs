//! A lake that cannot be written, is none, is broken, or is held.

use std::fs;
use std::time::Duration;

use crate::loaded::{Contents, Loaded, refused};
use crate::service::{Service, wait_until};

#[test]
fn a_lake_that_cannot_be_written_or_is_no_folder_is_named() {
    let loaded = Loaded::new();
    fs::write(loaded.path().join("file"), "text").unwrap();
    let load = |lake: &str| refused(loaded.path(), loaded.load(&format!("--lake {lake}")));
    insta::assert_snapshot!(load("/proc/lake"), @"
    exit 7
    --- stderr
    error: cannot write the folder `/proc/lake`: No such file or directory (os error [n])
    ");
    insta::assert_snapshot!(load("file"), @"
    exit 7
    --- stderr
    error: expected a folder, found a file at `[folder]/file`
    ");
    insta::assert_snapshot!(load("file/lake"), @"
    exit 7
    --- stderr
    error: expected a folder, found a file at `[folder]/file`
    ");
    insta::assert_snapshot!(load("s3://id:secret@bucket/lake"), @"
    exit 2
    --- stderr
    error: expected a lake as `./lake`, `file:///data/lake` or `s3://bucket/prefix`, found `s3://[redacted]@bucket/lake`
    ");
    insta::assert_snapshot!(load("gopher://lake"), @"
    exit 2
    --- stderr
    error: expected a lake as `./lake`, `file:///data/lake` or `s3://bucket/prefix`, found `gopher://lake`
    ");
}

#[test]
fn a_question_to_a_lake_that_is_absent_makes_none() {
    let loaded = Loaded::new();
    let ask = |line: &str| refused(loaded.path(), loaded.program(line));
    insta::assert_snapshot!(ask("query --lake nowhere -c VALUES(1)"), @"
    exit 7
    --- stderr
    error: expected a lake in `[folder]/nowhere`, found none
    hint: `load`, `replay` and `demo` make a lake
    ");
    insta::assert_snapshot!(ask("report --lake nowhere volume"), @"
    exit 7
    --- stderr
    error: expected a lake in `[folder]/nowhere`, found none
    hint: `load`, `replay` and `demo` make a lake
    ");
    fs::write(loaded.path().join("file"), "text").unwrap();
    insta::assert_snapshot!(ask("report --lake file volume"), @"
    exit 7
    --- stderr
    error: expected a folder, found a file at `[folder]/file`
    ");
}

#[test]
fn a_day_cut_short_is_named_before_anything_is_read() {
    let loaded = Loaded::new();
    let (day, keys) = (loaded.day("2026-03-02"), loaded.keys());
    let whole = fs::read(&day).unwrap();
    fs::write(&day, &whole[..whole.len() / 2]).unwrap();
    let ask = loaded.program("query -c").arg("SELECT count(*) FROM conversations");
    insta::assert_snapshot!(refused(loaded.path(), ask), @"
    exit 7
    --- stderr
    error: expected a readable Parquet object, found `conversations/account_id=6a1f0c2de4b58790a3c1d2e4/session_date=2026-03-02/conversations.parquet`: Parquet error: Invalid Parquet file. Corrupt footer
    hint: move the object away or restore it, then load its day again
    ");
    let requests = loaded.service.running().requests();
    insta::assert_snapshot!(refused(&loaded.days(), loaded.load("-q")), @"
    exit 7
    --- stderr
    error: cannot read the partition `conversations/account_id=6a1f0c2de4b58790a3c1d2e4/session_date=2026-03-02/conversations.parquet`: the object is corrupt: Parquet error: Invalid Parquet file. Corrupt footer
    hint: move the object away or restore it, then load its day again; staged rows are kept
    ");
    assert_eq!(loaded.service.running().requests(), requests);

    fs::write(&day, &whole).unwrap();
    assert_eq!(loaded.load("-q").run().output(), "");
    assert_eq!(loaded.keys(), keys);
}

#[test]
fn rows_read_into_a_day_with_broken_bytes_wait_until_it_is_mended() {
    let service = Service::small();
    let first_day = service.load_line_of("--from 2026-03-02 --to 2026-03-03");
    let loaded = Loaded::from(service, &first_day);
    let day = loaded.day("2026-03-02");
    let whole = fs::read(&day).unwrap();
    let mut broken = whole.clone();
    broken[4..whole.len() / 2].fill(0xA5);
    fs::write(&day, broken).unwrap();
    let ask = loaded.program("query --format ndjson -c").arg("SELECT * FROM conversations ORDER BY session_id");
    insta::assert_snapshot!(refused(loaded.path(), ask), @"
    exit 7
    --- stderr
    error: expected a readable Parquet object, found `conversations/account_id=6a1f0c2de4b58790a3c1d2e4/session_date=2026-03-02/conversations.parquet`: Parquet argument error: External: failed to fill whole buffer
    hint: move the object away or restore it, then load its day again
    ");
    insta::assert_snapshot!(refused(&loaded.days(), loaded.load("-q")), @"
    exit 7
    --- stderr
    error: cannot read the partition `conversations/account_id=6a1f0c2de4b58790a3c1d2e4/session_date=2026-03-02/conversations.parquet`: the object is corrupt: Arrow: Parquet argument error: External: failed to fill whole buffer
    hint: move the object away or restore it, then load its day again; staged rows are kept
    ");
    let staged = || Contents::of(&loaded.path().join("lake/_kore_lake/staging"));
    assert!(!staged().is_empty());

    fs::write(&day, &whole).unwrap();
    let requests = loaded.service.running().requests();
    fs::write(loaded.path().join("answer.json"), r#"{"data": []}"#).unwrap();
    let replay = format!("replay -q answer.json --account-id {}", loaded.account_id());
    assert_eq!(loaded.program(&replay).run().output(), "", "the next run of any kind commits them");
    assert!(staged().is_empty());
    assert_eq!(loaded.service.running().requests(), requests);
    assert_eq!(loaded.keys(), Loaded::new().keys());
}

#[test]
fn a_ledger_that_cannot_be_read_is_named() {
    let loaded = Loaded::new();
    let document = fs::read_to_string(loaded.ledger()).unwrap();
    let with = |text: &str| {
        fs::write(loaded.ledger(), text).unwrap();
        refused(&loaded.days(), loaded.load("-q"))
    };
    insta::assert_snapshot!(with("no ledger"), @"
    exit 7
    --- stderr
    error: cannot read the ledger's `_kore_lake/ledger/accounts/account_id=6a1f0c2de4b58790a3c1d2e4/head.json`: expected ident at line 1 column 2
    hint: restore it from a backup, or run `verify --rebuild-ledger`: it restores all of it but the proofs
    ");
    insta::assert_snapshot!(with(&document[..document.rfind(',').unwrap()]), @"
    exit 7
    --- stderr
    error: cannot read the ledger's `_kore_lake/ledger/accounts/account_id=6a1f0c2de4b58790a3c1d2e4/head.json`: EOF at [place]
    hint: restore it from a backup, or run `verify --rebuild-ledger`: it restores all of it but the proofs
    ");
    insta::assert_snapshot!(with(&document.replace("\"ledger_version\":1", "\"ledger_version\":7")), @"
    exit 7
    --- stderr
    error: cannot read the ledger's `_kore_lake/ledger/accounts/account_id=6a1f0c2de4b58790a3c1d2e4/head.json`: expected ledger version 1, found 7
    hint: restore it from a backup, or run `verify --rebuild-ledger`: it restores all of it but the proofs
    ");
    fs::remove_file(loaded.ledger()).unwrap();
    insta::assert_snapshot!(refused(&loaded.days(), loaded.load("-q")), @"
    exit 7
    --- stderr
    error: expected the ledger's `_kore_lake/ledger/accounts/account_id=6a1f0c2de4b58790a3c1d2e4/head.json` beside the 2 days of account `6a1f0c2de4b58790a3c1d2e4`, found none
    hint: restore it from a backup, or run `verify --rebuild-ledger`: it restores all of it but the proofs
    ");
    fs::write(loaded.ledger(), &document).unwrap();
    assert_eq!(loaded.load("-q").run().output(), "");
}

#[test]
fn an_account_that_another_run_holds_is_left_alone() {
    let slow = Service::start(|settings| settings.latency = Some(Duration::from_secs(4)));
    let folder = tempfile::tempdir().unwrap();
    let holder = slow.program(folder.path(), &slow.load_line()).arg("-q").start();
    let account = &slow.running().simulator().settings().data.account_id;
    let lock = folder.path().join(format!("lake/_kore_lake/locks/{account}/0000000001"));
    wait_until("the account is held", || lock.exists());
    insta::assert_snapshot!(slow.program(folder.path(), &slow.load_line()).arg("-q").run(), @"
    exit 9
    --- stderr
    error: account `6a1f0c2de4b58790a3c1d2e4` is held by run `[run]` (process [pid] on `[host]`), last heard of at [time]
    hint: wait for it, or give --wait-lock; `unlock` frees what a dead writer holds
    ");
    assert_eq!(holder.ended().output(), "", "the holder is not disturbed");
}

#[test]
fn an_older_version_of_the_api_is_asked_only_where_it_is_allowed() {
    let loaded = Loaded::new();
    insta::assert_snapshot!(refused(&loaded.days(), loaded.load("-q --api v1")), @"
    exit 2
    --- stderr
    error: expected API version `v2` for account `6a1f0c2de4b58790a3c1d2e4`, found `v1`
    hint: give --api v2, or --allow-downgrade: columns of rows read again become null
    ");
    assert_eq!(loaded.load("-q --api v1 --allow-downgrade").run().output(), "");
}

#[test]
fn pages_and_summaries_go_only_where_they_can_be_written() {
    let loaded = Loaded::new();
    fs::write(loaded.path().join("file"), "text").unwrap();
    let days = loaded.days();
    insta::assert_snapshot!(refused(&days, loaded.load("-q --save-pages file/pages")), @"
    exit 2
    --- stderr
    error: cannot create `file/pages/[run]`: Not a directory (os error [n])
    ");
    insta::assert_snapshot!(refused(&days, loaded.load("-q --summary file/summary.json")), @"
    exit 2
    --- stderr
    error: cannot write `file/summary.json`: Not a directory (os error [n])
    ");
}
