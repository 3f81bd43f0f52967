//! `kore-lake verify`.

use std::fmt::Write as _;
use std::sync::Arc;

use kore_lake::clock::UtcTime;
use kore_lake::config::OutputFormat;
use kore_lake::error::{Error, Kind};
use kore_lake::lake::{Clock, Finding, Lake, RebuiltLedger, Severity, VerifyReport, WriterSettings, rebuild_ledger};
use kore_lake::pipeline;
use serde::Serialize;

use super::status::accounts_of;
use super::summary::bytes;
use super::{End, Invocation, print};

/// Version of the JSON. A new member does not raise it.
const VERIFICATION_VERSION: u32 = 1;

#[derive(Serialize)]
struct Verified {
    verification_version: u32,
    /// Whether the lake holds what it promises; with `--strict`, whether nothing at all was found.
    holds: bool,
    /// Ledgers that were restored before.
    rebuilt: Vec<RebuiltLedger>,
    #[serde(flatten)]
    report: VerifyReport,
}

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    let lake = pipeline::open_lake(&invocation.settings, &invocation.options).await?;
    let mut stop = invocation.stop.clone();
    let verification = tokio::select! {
        error = stop.asked() => return Err(error),
        verified = verify(invocation, &lake) => verified?,
    };
    let text = match invocation.settings.output {
        OutputFormat::Json => json(&verification)?,
        OutputFormat::Text => text(&verification, invocation.quiet),
    };
    print::result(&text).map_err(Error::Output)?;
    if verification.holds {
        return Ok(End::Done);
    }
    let counts = |finding: &&Finding| invocation.settings.strict || finding.severity == Severity::Error;
    let found = verification.report.findings.iter().filter(counts).count();
    print::note(&format!("error: expected a lake without findings, found {found}"));
    Ok(End::Short(Kind::Lake))
}

async fn verify(invocation: &Invocation, lake: &Lake) -> Result<Verified, Error> {
    let settings = &invocation.settings;
    let mut rebuilt = Vec::new();
    if invocation.matches.get_flag("rebuild_ledger") {
        for account in accounts_of(lake, settings.account_id.as_ref()).await? {
            let writer = WriterSettings {
                wait_lock: settings.wait_lock,
                memory_limit_bytes: settings.memory_limit_bytes,
                ..WriterSettings::new(account)
            };
            rebuilt.push(rebuild_ledger(lake, writer).await?);
        }
    }
    let clock: Clock = Arc::new(UtcTime::now);
    let report = lake.verify(settings.account_id.as_ref(), &clock).await?;
    let holds = !report.fails(settings.strict);
    Ok(Verified { verification_version: VERIFICATION_VERSION, holds, rebuilt, report })
}

fn json(verification: &Verified) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(verification).map_err(|error| Error::Unexpected(error.to_string()))?;
    Ok(text + "\n")
}

/// What was looked at and what was found; `quiet`: what was found.
fn text(verification: &Verified, quiet: bool) -> String {
    let Verified { rebuilt, report, .. } = verification;
    let mut out = String::new();
    for ledger in rebuilt.iter().filter(|_| !quiet) {
        let RebuiltLedger { account_id, days, rows, .. } = ledger;
        let _ =
            writeln!(out, "rebuilt the ledger of account `{account_id}`: {days} days, {rows} rows; nothing is proven");
    }
    for finding in &report.findings {
        out.push_str(&finding_text(finding));
    }
    for writer in report.writers.iter().filter(|_| !quiet) {
        let _ = writeln!(out, "account `{}` is being written by {}", writer.account_id, writer.holder);
    }
    if !quiet {
        let VerifyReport { accounts, days, rows, objects, findings, .. } = report;
        let (accounts, size, found) = (accounts.len(), bytes(report.bytes), findings.len());
        let _ = writeln!(
            out,
            "verified: accounts {accounts}, days {days} ({size}), rows {rows}, objects {objects}; findings {found}"
        );
    }
    out
}

fn finding_text(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    format!("{severity}: {finding}\n  hint: {}\n", finding.action)
}
