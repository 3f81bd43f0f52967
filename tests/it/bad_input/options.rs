//! Arguments, variables and configuration files.

use std::fs;

use crate::loaded::{Loaded, refused};
use crate::program::Ran;

/// What a range and a login need.
const LOAD: &str = "load --from 2026-03-02 --to 2026-03-04 --host localhost --account-id a --stream-id st";

/// A line of arguments beside a lake.
#[track_caller]
fn line(loaded: &Loaded, line: &str) -> Ran {
    refused(loaded.path(), loaded.program(line).env("KORE_LAKE_TOKEN", "t.o.k"))
}

#[test]
fn a_flag_or_command_that_is_none_is_named() {
    let loaded = Loaded::new();
    insta::assert_snapshot!(line(&loaded, &format!("{LOAD} --rat 3")), @"
    exit 2
    --- stderr
    error: unexpected argument '--rat' found

      tip: a similar argument exists: '--rate'

    Usage: kore-lake load --from <TIME> --to <TIME> --host <HOST> --account-id <ID> --stream-id <ID> --rate <N>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(line(&loaded, "lod"), @"
    exit 2
    --- stderr
    error: unrecognized subcommand 'lod'

      tip: a similar subcommand exists: 'load'

    Usage: kore-lake [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(line(&loaded, "query"), @"
    exit 2
    --- stderr
    error: cannot parse the SQL: expected an SQL statement, found none
    ");
}

#[test]
fn a_range_that_is_none_is_named() {
    let loaded = Loaded::new();
    let range = |range: &str| line(&loaded, &format!("load --host localhost --account-id a --stream-id st {range}"));
    insta::assert_snapshot!(range("--from 2026-02-30"), @"
    exit 2
    --- stderr
    error: `--from`: expected a date (`2026-01-31`, UTC) or an RFC 3339 time (`2026-01-31T08:00:00Z`), found `2026-02-30`
    ");
    insta::assert_snapshot!(range("--to 2026-03-02"), @"
    exit 2
    --- stderr
    error: expected `--from` beside `--to 2026-03-02T00:00:00Z`, found none; without both, what is new is read up to the present (`--now TIME` sets that)
    ");
    insta::assert_snapshot!(range("--from 2026-03-02 --to noon"), @"
    exit 2
    --- stderr
    error: `--to`: expected a date (`2026-01-31`, UTC) or an RFC 3339 time (`2026-01-31T08:00:00Z`), found `noon`
    ");
    insta::assert_snapshot!(range("--from 2026-03-04 --to 2026-03-02"), @"
    exit 2
    --- stderr
    error: expected a range whose end lies after its start, found `2026-03-04T00:00:00Z` to `2026-03-02T00:00:00Z`
    ");
    insta::assert_snapshot!(range("--from 2026-03-02 --to 2026-03-02"), @"
    exit 2
    --- stderr
    error: expected a range whose end lies after its start, found `2026-03-02T00:00:00Z` to `2026-03-02T00:00:00Z`
    ");
}

#[test]
fn a_value_that_does_not_fit_is_named_with_its_place() {
    let loaded = Loaded::new();
    let with = |arguments: &str| line(&loaded, &format!("load --from 2026-03-02 {arguments}"));
    insta::assert_snapshot!(with("--window 7d"), @"
    exit 2
    --- stderr
    error: `--window`: expected a duration of at least 1s and below 7d, found `7d`
    ");
    insta::assert_snapshot!(with("--rate fast"), @"
    exit 2
    --- stderr
    error: `--rate`: expected requests a minute, 0 to 1000000, found `fast`
    ");
    insta::assert_snapshot!(with("--api v3"), @"
    exit 2
    --- stderr
    error: `--api`: expected `v1` or `v2`, found `v3`
    ");
    insta::assert_snapshot!(with("--account-id a/b"), @"
    exit 2
    --- stderr
    error: `--account-id`: expected an id of letters, digits, `.`, `_`, `-`, found `a/b`
    ");
    insta::assert_snapshot!(refused(loaded.path(), loaded.program(LOAD).env("KORE_LAKE_RATE", "-1")), @"
    exit 2
    --- stderr
    error: environment variable `KORE_LAKE_RATE`: expected requests a minute, 0 to 1000000, found `-1`
    ");
}

#[test]
fn what_a_load_needs_is_asked_for() {
    let loaded = Loaded::new();
    insta::assert_snapshot!(line(&loaded, "load --from 2026-03-02 --account-id a --stream-id st"), @"
    exit 2
    --- stderr
    error: expected `--host`, found neither it nor `KORE_LAKE_HOST` nor a key `host` in a configuration file
    ");
    insta::assert_snapshot!(line(&loaded, "load --from 2026-03-02 --host localhost --stream-id st"), @"
    exit 2
    --- stderr
    error: expected `--account-id`, found neither it nor `KORE_LAKE_ACCOUNT_ID` nor a key `account_id` in a configuration file
    ");
    insta::assert_snapshot!(line(&loaded, "load --from 2026-03-02 --host localhost --account-id a"), @"
    exit 2
    --- stderr
    error: expected `--stream-id`, found neither it nor `KORE_LAKE_STREAM_ID` nor a key `stream_id` in a configuration file
    ");
    insta::assert_snapshot!(refused(loaded.path(), loaded.program(LOAD)), @"
    exit 2
    --- stderr
    error: expected a login, `KORE_LAKE_TOKEN` or `KORE_LAKE_CLIENT_ID` with `KORE_LAKE_CLIENT_SECRET`, found neither
    ");
    insta::assert_snapshot!(refused(loaded.path(), loaded.program(LOAD).env("KORE_LAKE_CLIENT_ID", "cs-1")), @"
    exit 2
    --- stderr
    error: expected a login, `KORE_LAKE_TOKEN` or `KORE_LAKE_CLIENT_ID` with `KORE_LAKE_CLIENT_SECRET`, found only a client id
    ");
}

#[test]
fn a_setting_that_nobody_knows_is_named_with_its_place() {
    let loaded = Loaded::new();
    let file = |text: &str| {
        fs::write(loaded.path().join("kore-lake.toml"), text).unwrap();
        line(&loaded, &format!("{LOAD} --config kore-lake.toml"))
    };
    insta::assert_snapshot!(file("rate = 3\nacount_id = \"a\"\n"), @"
    exit 2
    --- stderr
    error: unknown key `acount_id` in the configuration file `kore-lake.toml`
    hint: did you mean `account_id`?
    ");
    insta::assert_snapshot!(file("rate = \n"), @"
    exit 2
    --- stderr
    error: expected TOML in the configuration file `kore-lake.toml`, found otherwise in line 1: string values must be quoted, expected literal string
    ");
    insta::assert_snapshot!(file("window = \"8d\"\n"), @"
    exit 2
    --- stderr
    error: key `window` in `kore-lake.toml`: expected a duration of at least 1s and below 7d, found `8d`
    ");
    insta::assert_snapshot!(line(&loaded, &format!("{LOAD} --config nowhere.toml")), @"
    exit 2
    --- stderr
    error: cannot read the configuration file `nowhere.toml`: No such file or directory (os error [n])
    ");
    insta::assert_snapshot!(refused(loaded.path(), loaded.program(LOAD).env("KORE_LAKE_STREAM", "st")), @"
    exit 2
    --- stderr
    error: unknown environment variable `KORE_LAKE_STREAM`
    hint: did you mean `KORE_LAKE_STREAM_ID`?
    ");
}

#[test]
fn a_secret_stands_by_reference_and_is_never_printed() {
    let loaded = Loaded::new();
    let file = |text: &str| {
        fs::write(loaded.path().join("kore-lake.toml"), text).unwrap();
        let ran = refused(loaded.path(), loaded.program(&format!("{LOAD} --config kore-lake.toml")));
        assert!(!ran.stderr.contains("hush"), "{ran}");
        ran
    };
    insta::assert_snapshot!(file("client_id = \"cs-1\"\nclient_secret = \"hush\"\n"), @r#"
    exit 2
    --- stderr
    error: key `client_secret` in `kore-lake.toml`: expected `{ env = "NAME" }` or `{ file = "PATH" }`, found the secret itself or another value
    "#);
    insta::assert_snapshot!(file("token = { env = \"MY_TOKEN\" }\n"), @"
    exit 2
    --- stderr
    error: key `token` in `kore-lake.toml`: expected a secret in environment variable `MY_TOKEN`, found no such variable
    ");
    insta::assert_snapshot!(file("token = { file = \"token.txt\" }\n"), @"
    exit 2
    --- stderr
    error: key `token` in `kore-lake.toml`: expected a secret in file `token.txt`, found No such file or directory (os error [n])
    ");
}

#[test]
fn an_address_that_cannot_be_asked_is_named_with_its_place() {
    let loaded = Loaded::new();
    let host = |host: &str| line(&loaded, &format!("{LOAD} --host {host}").replace("--host localhost", ""));
    insta::assert_snapshot!(host("ftp://platform.example"), @"
    exit 2
    --- stderr
    error: `--host`: expected a host name (`platform.kore.ai`) or a base URL (`https://host/path`), found `ftp://platform.example`
    ");
    insta::assert_snapshot!(host("http://platform.example"), @"
    exit 2
    --- stderr
    error: `--host`: expected `https://` (plain `http://` to another machine needs `--allow-http`), found `http://platform.example`
    ");
    insta::assert_snapshot!(host("https://me:hush@platform.example"), @"
    exit 2
    --- stderr
    error: `--host`: expected a base URL without user, password, query and fragment, found `https://[redacted]@platform.example`
    ");
}
