//! `kore-lake check`.

use std::fmt::Write as _;

use kore_lake::config::{OutputFormat, Shown};
use kore_lake::error::Error;
use kore_lake::pipeline::{self, Check};
use serde_json::{Value, json};

use super::{End, Invocation, print};

/// Version of the JSON. A new member does not raise it.
const CHECK_VERSION: u32 = 1;

pub async fn run(mut invocation: Invocation) -> Result<End, Error> {
    let shown = invocation.options.shown();
    let checks = pipeline::check(&invocation.settings, &invocation.options, &mut invocation.stop).await?;
    let text = match invocation.settings.output {
        OutputFormat::Text => text(&shown, &checks),
        OutputFormat::Json => format!("{:#}\n", as_json(&shown, &checks)),
    };
    print::result(&text).map_err(Error::Output)?;
    let failures: Vec<_> = checks.into_iter().filter_map(|check| check.result.err()).collect();
    for error in &failures {
        print::error(error);
    }
    Ok(failures.first().map_or(End::Done, |error| End::Short(error.kind())))
}

fn text(shown: &[Shown], checks: &[Check]) -> String {
    let width = |part: fn(&Shown) -> &str| shown.iter().map(|shown| part(shown).len()).max().unwrap_or(0);
    let (keys, values) = (width(|shown| shown.key), width(value));
    let mut out = String::new();
    for shown in shown {
        let origin = match shown.layer {
            Some("default") => "default",
            Some(_) => shown.origin.as_deref().unwrap_or_default(),
            None => "not set",
        };
        let _ = writeln!(out, "{:<keys$}  {:<values$}  {origin}", shown.key, value(shown));
    }
    out.push('\n');
    for check in checks {
        let _ = match &check.result {
            Ok(found) => writeln!(out, "{:<5}  ok      {found}", check.name),
            // Why, is said on stderr.
            Err(_) => writeln!(out, "{:<5}  failed", check.name),
        };
    }
    out
}

fn value(shown: &Shown) -> &str {
    shown.value.as_deref().unwrap_or("-")
}

fn as_json(shown: &[Shown], checks: &[Check]) -> Value {
    let checks = checks.iter().map(|check| match &check.result {
        Ok(found) => json!({"name": check.name, "ok": true, "found": found, "error": null, "hint": null}),
        Err(error) => {
            json!({"name": check.name, "ok": false, "found": null, "error": error.line(), "hint": error.hint()})
        }
    });
    json!({"check_version": CHECK_VERSION, "options": shown, "checks": checks.collect::<Vec<_>>()})
}
