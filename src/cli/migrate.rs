//! `kore-lake migrate`.

use std::fmt::Write as _;
use std::fs;

use kore_lake::config::OutputFormat;
use kore_lake::error::Error;
use kore_lake::lake::{self, Lake, MigrateSummary, WriterSettings};
use kore_lake::pipeline;
use kore_lake::schema::AccountId;
use serde::Serialize;

use super::progress::Bar;
use super::status::accounts_of;
use super::summary::bytes;
use super::{End, Invocation, print};

/// Version of the JSON. A new member does not raise it.
const MIGRATION_VERSION: u32 = 1;

#[derive(Serialize)]
struct Migrated {
    migration_version: u32,
    /// Accounts that are done.
    accounts: Vec<MigrateSummary>,
    /// What ended the migration before its end, on one line.
    error: Option<String>,
}

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    let settings = &invocation.settings;
    let lake = pipeline::open_lake(settings, &invocation.options).await?;
    let accounts = accounts_of(&lake, settings.account_id.as_ref()).await?;
    let mut migration = Migrated { migration_version: MIGRATION_VERSION, accounts: Vec::new(), error: None };
    let bar = Bar::new(invocation.shows_progress());
    let mut stop = invocation.stop.clone();
    // What is done of an account is in its ledger after each day, so that it can be dropped anywhere.
    let migrated = tokio::select! {
        error = stop.asked() => Err(error),
        migrated = all(invocation, &lake, accounts, &bar, &mut migration.accounts) => migrated,
    };
    bar.clear();
    migration.error = migrated.as_ref().err().map(Error::line);
    let told = tell(invocation, &migration);
    migrated.and(told).map(|()| End::Done)
}

async fn all(
    invocation: &Invocation,
    lake: &Lake,
    accounts: Vec<AccountId>,
    bar: &Bar,
    done: &mut Vec<MigrateSummary>,
) -> Result<(), Error> {
    for account in accounts {
        let settings = WriterSettings {
            wait_lock: invocation.settings.wait_lock,
            memory_limit_bytes: invocation.settings.memory_limit_bytes,
            ..WriterSettings::new(account)
        };
        done.push(lake::migrate(lake, settings, |progress| bar.day_rewritten(progress)).await?);
    }
    Ok(())
}

fn tell(invocation: &Invocation, migration: &Migrated) -> Result<(), Error> {
    let settings = &invocation.settings;
    let json = serde_json::to_string_pretty(migration).map_err(|error| Error::Unexpected(error.to_string()))? + "\n";
    if let Some(path) = &settings.summary {
        let failed = |source| Error::File { operation: "write", path: path.clone(), source };
        fs::write(path, &json).map_err(failed)?;
    }
    match settings.output {
        OutputFormat::Json => print::result(&json).map_err(Error::Output),
        OutputFormat::Text if !invocation.quiet => print::result(&text(migration)).map_err(Error::Output),
        OutputFormat::Text => Ok(()),
    }
}

fn text(migration: &Migrated) -> String {
    let mut out = String::new();
    for account in &migration.accounts {
        let MigrateSummary { account_id, schema_version_from, schema_version_to, days_rewritten, days_current, .. } =
            account;
        let from = schema_version_from.map_or_else(|| "nothing".to_owned(), |version| format!("version {version}"));
        let _ = writeln!(out, "account {account_id}: schema {from} to version {schema_version_to}");
        let size = bytes(account.bytes_written);
        let _ = writeln!(out, "  days      {days_rewritten} rewritten ({size}), {days_current} as they were");
        let _ = writeln!(out, "  rows      {}, {} values lifted out of `extra`", account.rows, account.values_lifted);
        let _ = writeln!(out, "  staged    {} objects of an unfinished run rewritten", account.staged_rewritten);
    }
    if migration.accounts.is_empty() && migration.error.is_none() {
        out.push_str("no account\n");
    }
    out
}
