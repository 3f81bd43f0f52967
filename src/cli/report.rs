//! `kore-lake report`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kore_lake::config::OutputFormat;
use kore_lake::error::Error;
use kore_lake::query::{Format, Params, Report, Session, report, reports};
use serde_json::{Value, json};

use super::output::{self, Output};
use super::query::{open, write_rows};
use super::{End, Invocation, print};

pub type Given = BTreeMap<String, String>;

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    let names = invocation.matches.get_many::<String>("names").into_iter().flatten().map(String::as_str);
    let names: Vec<_> = names.collect();
    if names == ["list"] {
        return list(invocation.settings.output);
    }
    let format = output::format(invocation)?;
    if names.len() > 1 && format.is_binary() {
        return Err(Error::Usage(format!("expected one report with `--format {format}`, found {}", names.len())));
    }
    // All are checked before the first is run.
    let bound = bind(&names, &given(invocation)?)?;
    let session = open(invocation).await?;
    let mut output = Output::open(invocation)?;
    match run_all(&session, &bound, format, &mut output).await {
        Ok(()) => output.finish().map(|()| End::Done),
        Err(error) => {
            output.abandon();
            Err(error)
        }
    }
}

/// Runs reports one after the other; where a person reads several, each under its name.
pub async fn run_all(
    session: &Session,
    bound: &[(&Report, Params)],
    format: Format,
    output: &mut Output,
) -> Result<(), Error> {
    let titled = bound.len() > 1 && matches!(format, Format::Table | Format::Markdown);
    for (position, (report, params)) in bound.iter().enumerate() {
        if titled {
            let gap = if position > 0 { "\n" } else { "" };
            output.writer().write_all(format!("{gap}{}", title(report)).as_bytes()).map_err(Error::Output)?;
        }
        let rows = session.report(report, params).await?;
        write_rows(rows, format, output).await?;
    }
    Ok(())
}

/// The heading of a report where a person reads several.
pub fn title(report: &Report) -> String {
    format!("## {}: {}\n\n", report.name, report.purpose)
}

/// Each report with its parameters. Of several reports each takes the parameters it knows, but some report must.
pub fn bind<'a>(names: &[&str], given: &Given) -> Result<Vec<(&'a Report, Params)>, Error> {
    let found: Vec<&Report> = names.iter().map(|name| report(name)).collect::<Result<_, _>>()?;
    let knows = |report: &Report, name: &str| report.params.iter().any(|param| param.name == name);
    let shared = |name: &String| found.iter().any(|report| knows(report, name));
    let bound = found.iter().map(|report| {
        let taken = given.iter().filter(|(name, _)| knows(report, name) || !shared(name));
        let params = report.bind(&taken.map(|(name, value)| (name.clone(), value.clone())).collect())?;
        Ok((*report, params))
    });
    bound.collect()
}

fn given(invocation: &Invocation) -> Result<Given, Error> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Error::Usage(format!("expected `--param NAME=VALUE`, found `{text}`"))),
    };
    invocation.matches.get_many::<String>("params").into_iter().flatten().map(pair).collect()
}

fn list(format: OutputFormat) -> Result<End, Error> {
    let text = match format {
        OutputFormat::Text => list_text(),
        OutputFormat::Json => format!("{:#}\n", Value::Array(reports().iter().map(as_json).collect())),
    };
    print::result(&text).map_err(Error::Output)?;
    Ok(End::Done)
}

fn list_text() -> String {
    let mut out = String::new();
    for report in reports() {
        let _ = writeln!(out, "{}\n  {}", report.name, report.purpose);
        for param in &report.params {
            let default = param.default.unwrap_or("none");
            let _ =
                writeln!(out, "    {}={default}  {}: {}", param.name, param.param_type.expected(), param.description);
        }
    }
    out
}

fn as_json(report: &Report) -> Value {
    let params = report.params.iter().map(|param| {
        json!({
            "name": param.name,
            "type": param.param_type.expected(),
            "default": param.default,
            "description": param.description,
        })
    });
    let columns = report.columns.iter().map(|column| json!({"name": column.name, "description": column.description}));
    json!({
        "name": report.name,
        "purpose": report.purpose,
        "params": params.collect::<Vec<_>>(),
        "columns": columns.collect::<Vec<_>>(),
    })
}
