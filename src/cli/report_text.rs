//! What the bundled reports say of themselves.

use std::fmt::Write as _;

use kore_lake::config::OutputFormat;
use kore_lake::error::Error;
use kore_lake::query::{Report, report, reports};
use serde_json::{Value, json};

use super::{End, args, print};

/// `report list`: every report with its parameters.
pub fn list(format: OutputFormat) -> Result<End, Error> {
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
    out + "\n`kore-lake report NAME --help` says what the numbers of a report mean and how DuckDB and Spark get them.\n"
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

/// `report --help`, or what each of some reports tells, takes and gives.
pub fn help(names: &[&str]) -> Result<End, Error> {
    let found: Vec<&Report> = names.iter().map(|name| report(name)).collect::<Result<_, _>>()?;
    let texts: Vec<String> =
        if found.is_empty() { vec![args::help_of("report")] } else { found.into_iter().map(explained).collect() };
    print::result(&texts.join("\n\n")).map_err(Error::Output)?;
    Ok(End::Done)
}

fn explained(report: &Report) -> String {
    let mut out = format!("{}\n\n{}\n", report.name, report.purpose);
    let _ = writeln!(out, "\nUsage: kore-lake report {} [--param NAME=VALUE]... [OPTIONS]", report.name);
    let _ = writeln!(out, "\nParameters, which make the definition's variants:");
    for param in &report.params {
        let default = param.default.map_or_else(|| "none".to_owned(), |default| format!("`{default}`"));
        let _ = writeln!(
            out,
            "  {}\n      {}\n      {}; default {default}",
            param.name,
            param.description,
            param.param_type.expected()
        );
    }
    let _ = writeln!(out, "\nColumns:");
    let widest = report.columns.iter().map(|column| column.name.len()).max().unwrap_or(0);
    for column in &report.columns {
        let _ = writeln!(out, "  {:widest$}  {}", column.name, column.description);
    }
    let _ = write!(
        out,
        "\nIn DuckDB or Spark: `kore-lake report {} --sql --engine duckdb` (or `spark`) prints all that they need to run it.\n\
         `kore-lake report --help` lists the options.\n",
        report.name
    );
    out
}
