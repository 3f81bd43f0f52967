//! `kore-lake report`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kore_lake::clock::UtcTime;
use kore_lake::dashboard::{DashboardRequest, page};
use kore_lake::error::Error;
use kore_lake::pipeline;
use kore_lake::query::{Engine, Format, Params, Report, Session, report, report_sql, reports, setup};

use super::output::{self, Output};
use super::query::{open, session_of, write_rows};
use super::schema::outline;
use super::status::accounts_of;
use super::{End, Invocation, print, report_text};

pub type Given = BTreeMap<String, String>;

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    let names = names(invocation);
    if invocation.matches.get_flag("help") && names != ["list"] {
        return report_text::help(&names);
    }
    if let Some(file) = invocation.matches.get_one::<PathBuf>("html") {
        return dashboard(invocation, file).await;
    }
    if names.is_empty() {
        return Err(Error::Usage("expected `list`, names of reports, `--all`, or `--html FILE`".to_owned()));
    }
    if names == ["list"] {
        return report_text::list(invocation.settings.output);
    }
    let format = output::format(invocation)?;
    let folder = folder(invocation);
    if names.len() > 1 && format.is_binary() && folder.is_none() {
        return Err(Error::Usage(format!("expected one report with `--format {format}`, found {}", names.len())));
    }
    // All are checked before the first is run.
    let bound = bind(&names, &given(invocation)?)?;
    if invocation.matches.get_flag("sql") {
        return print_sql(invocation, &bound).await;
    }
    let session = open(invocation).await?;
    if let Some(folder) = folder {
        return into_folder(&session, &bound, format, folder).await;
    }
    let mut output = Output::open(invocation)?;
    match run_all(&session, &bound, format, &mut output).await {
        Ok(()) => output.finish().map(|()| End::Done),
        Err(error) => {
            output.abandon();
            Err(error)
        }
    }
}

/// Prints what an engine needs to run the reports over the lake: functions, tables, views, statements.
async fn print_sql(invocation: &Invocation, bound: &[(&Report, Params)]) -> Result<End, Error> {
    let engine: Engine = invocation.argument("engine").map_or(Ok(Engine::Duckdb), |name| name.parse())?;
    let lake = outline(invocation).await?;
    if lake.is_empty() {
        print::note(&format!("note: `{}` has nothing yet: its tables are declared empty", invocation.settings.lake));
    }
    let mut text = setup(engine, &lake);
    for (report, params) in bound {
        text.push('\n');
        text.push_str(&report_sql(engine, report, params)?);
    }
    let mut output = Output::open(invocation)?;
    output.writer().write_all(text.as_bytes()).map_err(Error::Output)?;
    output.finish().map(|()| End::Done)
}

/// Writes the dashboard to a file.
async fn dashboard(invocation: &Invocation, file: &Path) -> Result<End, Error> {
    let settings = &invocation.settings;
    let params = given(invocation)?;
    let lake = pipeline::open_lake(settings, &invocation.options).await?;
    let made_at = settings.now.unwrap_or_else(UtcTime::now);
    let mut accounts = Vec::new();
    for account in accounts_of(&lake, None).await? {
        accounts.push(lake.status(&account, None, made_at).await?);
    }
    let request = DashboardRequest { lake: settings.lake.clone(), made_at, params, accounts };
    let mut output = Output::file(file)?;
    let page = page(&session_of(invocation, &lake).await?, &request).await?;
    output.writer().write_all(page.as_bytes()).map_err(Error::Output)?;
    output.finish().map(|()| End::Done)
}

/// The reports named, or all.
fn names(invocation: &Invocation) -> Vec<&str> {
    if invocation.matches.get_flag("all") {
        return reports().iter().map(|report| report.name).collect();
    }
    invocation.matches.get_many::<String>("names").into_iter().flatten().map(String::as_str).collect()
}

/// The folder of `--out` that each report gets a file of its own in: of all, or where `--out` is one.
fn folder(invocation: &Invocation) -> Option<&Path> {
    let out = invocation.matches.get_one::<PathBuf>("out")?;
    let is_folder = out.is_dir() || out.as_os_str().as_encoded_bytes().ends_with(b"/");
    (invocation.matches.get_flag("all") || is_folder).then_some(out)
}

/// Writes each report to a file under its name. A file stands whole or not at all; those before a failure stay.
async fn into_folder(
    session: &Session,
    bound: &[(&Report, Params)],
    format: Format,
    folder: &Path,
) -> Result<End, Error> {
    let failed = |source| Error::File { operation: "make the folder", path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    for one in bound {
        let mut output = Output::file(&folder.join(format!("{}.{}", one.0.name, format.extension())))?;
        run_all(session, std::slice::from_ref(one), format, &mut output).await?;
        output.finish()?;
    }
    Ok(End::Done)
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
