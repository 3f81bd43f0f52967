//! Arguments of the verbs that look after a lake.

use clap::{Arg, ArgAction, Command, value_parser};
use clap_complete::Shell;

use super::{API_SETTINGS, FETCHING, LAKE_SETTINGS, LAYERS, SECRETS, STORE, STORE_SETTINGS, range, settings, verb};

/// Options of a plan: those that decide which requests a load would send.
const PLANNING: &[&str] =
    &["lake", "account_id", "stream_id", "api", "since", "rate", "window", "lookback", "now", "output"];
/// Options of `check`, beside those of the API: what a load would be given.
const CHECKING: &[&str] = &[
    "lake",
    "account_id",
    "stream_id",
    "api",
    "memory_limit",
    "wait_lock",
    "single_writer",
    "allow_downgrade",
    "strict",
    "output",
];
/// Options of `status`.
const WATCHING: &[&str] = &["lake", "account_id", "stream_id", "since", "now", "output"];
/// Options of commands that go through every object of a lake.
const KEEPING: &[&str] = &["lake", "account_id", "memory_limit", "wait_lock", "single_writer", "strict", "output"];

pub fn plan() -> Command {
    verb("plan", "Says what a load would do: windows, requests, time. Touches nothing")
        .args(range())
        .args(settings(PLANNING, LAKE_SETTINGS))
        .args(settings(STORE, STORE_SETTINGS))
}

pub fn check() -> Command {
    verb("check", "Shows each setting with its origin; tries the login and the lake. Leaves nothing behind")
        .after_help(format!("{LAYERS}\n\n{SECRETS}"))
        .args(settings(FETCHING, API_SETTINGS))
        .args(settings(CHECKING, LAKE_SETTINGS))
        .args(settings(STORE, STORE_SETTINGS))
}

pub fn status() -> Command {
    verb("status", "Says of each account and stream what is in the lake, since when, and what is missing")
        .arg(
            Arg::new("max_age")
                .long("max-age")
                .value_name("DURATION")
                .help("Exit 10 where a stream was read up to a time longer ago than this, such as 26h"),
        )
        .args(settings(WATCHING, LAKE_SETTINGS))
        .args(settings(STORE, STORE_SETTINGS))
}

pub fn verify() -> Command {
    verb("verify", "Proves the lake again: keys, rows against the ledger, readable files, places, clocks")
        .arg(
            Arg::new("rebuild_ledger")
                .long("rebuild-ledger")
                .action(ArgAction::SetTrue)
                .help("Restore all of a ledger but the proofs from what lies in the lake"),
        )
        .args(settings(KEEPING, LAKE_SETTINGS))
        .args(settings(STORE, STORE_SETTINGS))
}

pub fn unlock() -> Command {
    verb("unlock", "Takes away the lock that a run left behind which is no more")
        .arg(
            Arg::new("force")
                .long("force")
                .action(ArgAction::SetTrue)
                .help("Also where the holder was heard of a moment ago: it must not write any more"),
        )
        .args(settings(&["lake", "account_id"], LAKE_SETTINGS))
        .args(settings(STORE, STORE_SETTINGS))
}

pub fn migrate() -> Command {
    let keys = &["lake", "account_id", "memory_limit", "wait_lock", "single_writer", "output", "summary"];
    verb("migrate", "Rewrites days of an older schema under the present one")
        .args(settings(keys, LAKE_SETTINGS))
        .args(settings(STORE, STORE_SETTINGS))
}

pub fn completions() -> Command {
    Command::new("completions").about("Prints completions for a shell").arg(
        Arg::new("shell")
            .value_name("SHELL")
            .required(true)
            .value_parser(value_parser!(Shell))
            .help("Shell to complete for"),
    )
}
