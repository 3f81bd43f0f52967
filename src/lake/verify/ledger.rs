use std::collections::BTreeMap;

use super::day::DayRead;
use super::files::is_ours;
use super::{Finding, FindingKind};
use crate::lake::tables::{self, DayLine, RunLine, WindowLine};
use crate::lake::{AccountHead, DayState, Lake, LakeError, LedgerTable, RejectLine, SessionDate, layout};
use crate::schema::{AccountId, RunId, Schema};

/// What differs between an account's ledger and its objects. `unfinished`: a commit may have written objects that
/// the ledger is yet to learn of.
pub(super) fn differences(head: &AccountHead, days: &BTreeMap<SessionDate, DayRead>, unfinished: bool) -> Vec<Finding> {
    let account = &head.account_id;
    let mut findings = versions(head);
    let gone = head.days.iter().filter(|(date, _)| !days.contains_key(date));
    findings.extend(gone.map(|(date, known)| {
        let path = layout::partition(account, *date);
        let expected = format!("the {} rows of this day that the ledger knows", known.rows);
        Finding::at(FindingKind::DayGone, Some(account), &path, expected, "no object").of_rows(known.rows, Vec::new())
    }));
    for day in days.values() {
        // What cannot be read is found already.
        let Some(state) = &day.state else { continue };
        match head.days.get(&day.date) {
            Some(known) if unfinished && known.run_id != state.run_id => {}
            Some(known) => findings.extend(differs(account, day, state, known)),
            None if unfinished => {}
            None => {
                let found = format!("{} rows that it does not know", state.rows);
                let kind = FindingKind::DayUnknown;
                findings.push(Finding::at(kind, Some(account), &day.meta.location, "a day of the ledger", found));
            }
        }
    }
    findings
}

fn differs(account: &AccountId, day: &DayRead, state: &DayState, known: &DayState) -> Option<Finding> {
    let at = |kind, expected: String, found: String| {
        Some(Finding::at(kind, Some(account), &day.meta.location, expected, found))
    };
    if state.rows != known.rows {
        let (expected, found) = (format!("{} rows, as the ledger counts", known.rows), format!("{}", state.rows));
        let finding = at(FindingKind::RowsDiffer, expected, found)?;
        return Some(finding.of_rows(state.rows.abs_diff(known.rows), Vec::new()));
    }
    let same = (state.bytes, &state.run_id) == (known.bytes, &known.run_id);
    if same && state.etag == known.etag {
        return None;
    }
    let etag = |state: &DayState| state.etag.clone().unwrap_or_else(|| "none".to_owned());
    let (expected, found) = (format!("ETag {} of the ledger", etag(known)), etag(state));
    if same {
        // So it is after a lake was copied: every byte that the ledger counts is there.
        let found = format!("{found} on an object of the same rows, size and run");
        return at(FindingKind::ObjectReplaced, expected, found).map(Finding::warning);
    }
    let run = |state: &DayState| state.run_id.clone().unwrap_or_else(|| "none".to_owned());
    let of = |state: &DayState| format!("{} bytes of run `{}`", state.bytes, run(state));
    at(FindingKind::ObjectReplaced, format!("{expected}, {}", of(known)), format!("{found}, {}", of(state)))
}

fn versions(head: &AccountHead) -> Vec<Finding> {
    let (account, path) = (&head.account_id, layout::head(&head.account_id));
    let schema = Schema::conversations();
    let mut findings = Vec::new();
    if head.schema_version != schema.version {
        let (found, expected) = (head.schema_version, schema.version);
        let error = LakeError::OtherSchema { path: path.to_string(), found, expected };
        findings.push(Finding::of_error(account, &path, &error));
    }
    if head.content_hash_version != schema.content_hash_version {
        let expected = format!("content hash version {}", schema.content_hash_version);
        let found = format!("version {}", head.content_hash_version);
        findings.push(Finding::at(FindingKind::OtherSchema, Some(account), &path, expected, found));
    }
    findings
}

/// What a run left open.
pub(super) fn open_intents(head: &AccountHead, at_work: Option<&RunId>) -> Vec<Finding> {
    let path = layout::head(&head.account_id);
    let open = head.streams.iter().filter_map(|(stream, state)| Some((stream, state.intent.as_ref()?)));
    let open = open.filter(|(_, intent)| Some(&intent.run_id) != at_work);
    let finding = |(stream, intent): (&String, &crate::lake::Intent)| {
        let found = format!("`{}` of run `{}`, begun at {}", intent.command, intent.run_id, intent.started_at);
        let expected = format!("no open intent of stream `{stream}`");
        Finding::at(FindingKind::OpenIntent, Some(&head.account_id), &path, expected, found)
    };
    open.map(finding).collect()
}

/// Reads every line of the account's tables and rejects. Returns how many objects they are, and what is corrupt.
pub(super) async fn tables(lake: &Lake, account: &AccountId) -> Result<(u64, Vec<Finding>), LakeError> {
    let table = |table| layout::account_table(table, account);
    let runs = lines::<RunLine>(lake, account, &table(LedgerTable::Runs)).await?;
    let days = lines::<DayLine>(lake, account, &table(LedgerTable::Days)).await?;
    let windows = lines::<WindowLine>(lake, account, &table(LedgerTable::Windows)).await?;
    let rejects = lines::<RejectLine>(lake, account, &layout::account_rejects(account)).await?;
    let all = [runs, days, windows, rejects];
    let objects = all.iter().map(|(objects, _)| objects).sum();
    Ok((objects, all.into_iter().flat_map(|(_, findings)| findings).collect()))
}

async fn lines<L: tables::Line>(
    lake: &Lake,
    account: &AccountId,
    folder: &object_store::path::Path,
) -> Result<(u64, Vec<Finding>), LakeError> {
    let objects = lake.list(folder).await?;
    let mut findings = Vec::new();
    let mut read = 0;
    for path in objects.iter().map(|object| &object.location).filter(|path| is_table(path)) {
        read += 1;
        match tables::read::<L>(lake, path).await {
            Err(error @ LakeError::CorruptLedger { .. }) => findings.push(Finding::of_error(account, path, &error)),
            other => drop(other?),
        }
    }
    Ok((read, findings))
}

/// Whether a path below the tables is one of their objects, and nothing half-written.
fn is_table(path: &object_store::path::Path) -> bool {
    is_ours(path) && !layout::is_leftover(path)
}
