//! Ranges of time on the command line.

use kore_lake::clock::{TimeRange, UtcTime};
use kore_lake::error::Error;

use super::Invocation;

/// The range that `--from` and `--to` ask for; none where a load goes on from what the ledger knows.
///
/// Without `--to` the range ends at the present.
pub fn asked(invocation: &Invocation) -> Result<Option<TimeRange>, Error> {
    let given = |name: &str| invocation.argument(name).map(|text| time(&format!("--{name}"), text)).transpose();
    match (given("from")?, given("to")?) {
        (Some(from), to) => {
            let to = to.or(invocation.settings.now).unwrap_or_else(UtcTime::now);
            Ok(Some(TimeRange::new(from, to)?))
        }
        (None, None) => Ok(None),
        (None, Some(to)) => Err(Error::Usage(format!(
            "expected `--from` beside `--to {to}`, found none; without both, what is new is read up to the present \
             (`--now TIME` sets that)"
        ))),
    }
}

/// The window that `--accept` closes.
pub fn accepted(invocation: &Invocation) -> Result<Option<TimeRange>, Error> {
    let Some(text) = invocation.argument("accept") else { return Ok(None) };
    let Some((from, to)) = text.split_once('/') else {
        return Err(Error::Usage(format!("`--accept`: expected FROM/TO, two times, found `{text}`")));
    };
    let range = TimeRange::new(time("--accept", from)?, time("--accept", to)?);
    range.map(Some).map_err(|error| Error::Usage(format!("`--accept`: {error}")))
}

fn time(flag: &str, text: &str) -> Result<UtcTime, Error> {
    text.parse().map_err(|error| Error::Usage(format!("`{flag}`: {error}")))
}
