//! The closing summary of a run.

use std::fmt::Write as _;

use kore_lake::config::OutputFormat;
use kore_lake::error::Error;
use kore_lake::pipeline::{Finished, Outcome, Summary};

use super::{End, Invocation, print};

/// Prints and writes the summary of a run, then passes on its error or what it means.
pub fn close(invocation: &Invocation, finished: Finished) -> Result<End, Error> {
    let Finished { summary, error } = finished;
    if let Some(path) = &invocation.settings.summary {
        let written = summary.write(path);
        if error.is_none() {
            written?;
        }
    }
    match invocation.settings.output {
        OutputFormat::Json => print::result(&json(&summary)?).map_err(Error::Output)?,
        OutputFormat::Text if !invocation.quiet => print::result(&text(&summary)).map_err(Error::Output)?,
        OutputFormat::Text => {}
    }
    match (error, summary.kind()) {
        (Some(error), _) => Err(error),
        (None, None) => Ok(End::Done),
        (None, Some(kind)) => {
            for line in complaints(&summary) {
                print::note(&format!("error: {line}"));
            }
            if !summary.unreadable.is_empty() {
                print::note("hint: later loads try these windows again; `load --accept FROM/TO` takes one as it is");
            }
            Ok(End::Short(kind))
        }
    }
}

fn json(summary: &Summary) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(summary).map_err(|error| Error::Unexpected(error.to_string()))?;
    Ok(text + "\n")
}

/// What kept the run from being complete, a line each.
fn complaints(summary: &Summary) -> Vec<String> {
    let windows = summary.unreadable.iter();
    let windows =
        windows.map(|window| format!("the window {} could not be read whole: {}", window.range, window.reason));
    let stopped = summary.stopped_by.iter();
    let stopped = stopped.map(|option| format!("`{option}` ended the run before all was read; the next one goes on"));
    let files = summary.unreadable_files.iter().cloned();
    let texts = "their texts and the reasons lie in `_kore_lake/rejects/` of the lake";
    let rejected = (summary.outcome == Outcome::Rejected && summary.rejects.distinct > 0)
        .then(|| format!("records rejected: {}; {texts}", summary.rejects.distinct));
    let recovered = (summary.rejects.recovered > 0)
        .then(|| format!("records rejected that a killed run had read: {}; {texts}", summary.rejects.recovered));
    windows.chain(stopped).chain(files).chain(rejected).chain(recovered).collect()
}

/// The summary for reading.
pub fn text(summary: &Summary) -> String {
    let mut out = String::new();
    let Summary { rows, days, rejects, .. } = summary;
    let outcome = match summary.outcome {
        Outcome::Complete => "complete",
        Outcome::Rejected => "complete but for rejects",
        Outcome::Incomplete => "incomplete",
        Outcome::Failed => "failed",
    };
    let head = format!("{}: {outcome} in {:.1} s\n", summary.command, summary.elapsed_seconds);
    if summary.outcome == Outcome::Failed && summary.pages == 0 {
        return head; // Lines of zeros would hide the error below them.
    }
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "  {name:<9} {value}");
    };
    for range in &summary.resumed {
        line("resumed", format!("{range}, which an earlier run had not read"));
    }
    if !summary.ranges.is_empty() {
        line("windows", windows(summary));
    }
    if summary.totals_disagree > 0 {
        line("totals", format!("of {} windows disagree with the rows that were read whole", summary.totals_disagree));
    }
    if let Some(ratio) = summary.request_ratio.filter(|_| summary.requests > 0) {
        line(
            "requests",
            format!("{}, {ratio:.2} times the {} that the rows fill", summary.requests, summary.ideal_requests),
        );
    }
    line("pages", format!("{}, {} of JSON, {} records", summary.pages, bytes(summary.page_bytes), summary.records));
    line(
        "rows",
        format!(
            "{} new, {} changed, {} unchanged, {} superseded; {} not returned and kept",
            rows.new, rows.changed, rows.unchanged, rows.superseded, rows.not_returned
        ),
    );
    line("rejects", format!("{}, {} of them new", rejects.distinct, rejects.new));
    line("days", format!("{} written ({}), {} unchanged", days.written, bytes(summary.written_bytes), days.unchanged));
    if let Some(up_to) = summary.provisional_up_to {
        let last = summary
            .final_up_to
            .map_or_else(|| "nothing of it final yet".to_owned(), |up_to| format!("final up to {up_to}"));
        line("up to", format!("{up_to}, {last}"));
    }
    if let Some(peak) = summary.peak_memory_bytes {
        line("memory", format!("{} at its peak", bytes(peak)));
    }
    head + &out
}

/// How many windows ended how, and what proves those read whole.
fn windows(summary: &Summary) -> String {
    let kinds = summary.evidence.iter().map(|(kind, count)| format!("{} {count}", kind.as_str().replace('_', " ")));
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    let proven = if kinds.is_empty() { String::new() } else { format!(" ({kinds})") };
    let cut = if summary.windows_cut > 0 {
        format!(", {} cut into shorter ones", summary.windows_cut)
    } else {
        String::new()
    };
    format!("{} read whole{proven}, {} unreadable{cut}", summary.windows, summary.unreadable.len())
}

/// A number of bytes in the largest decimal unit that leaves digits before the point.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{}.{} kB", count / 1_000, count % 1_000 / 100),
        1_000_000..1_000_000_000 => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
        _ => format!("{}.{} GB", count / 1_000_000_000, count % 1_000_000_000 / 100_000_000),
    }
}
