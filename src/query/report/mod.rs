//! Reports: one SQL file each, whose header says its name, purpose, parameters and columns.

mod header;
mod params;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use header::{Param, ParamType, Report, ReportColumn};
pub use params::Params;

use super::QueryError;
use super::suggest::near;

macro_rules! sources {
    ($($name:literal),+ $(,)?) => {
        [$(include_str!(concat!("../../../sql/reports/", $name, ".sql"))),+]
    };
}

const SOURCES: [&str; 16] = sources![
    "volume",
    "containment",
    "service_level",
    "queue_wait",
    "abandonment",
    "agent_performance",
    "missed_offers",
    "transfers",
    "callbacks",
    "satisfaction",
    "dispositions",
    "intents",
    "tones",
    "repeat_contacts",
    "changes",
    "data_quality",
];

/// The bundled reports, in the order in which they are read.
pub fn reports() -> &'static [Report] {
    static REPORTS: LazyLock<Vec<Report>> = LazyLock::new(|| SOURCES.iter().map(|text| Report::read(text)).collect());
    &REPORTS
}

/// The report of that name.
///
/// # Errors
/// [`QueryError::UnknownReport`] with the near matches, else with all names.
pub fn report(name: &str) -> Result<&'static Report, QueryError> {
    reports().iter().find(|report| report.name == name).ok_or_else(|| {
        let names = || reports().iter().map(|report| report.name);
        let near = near(name, names());
        let near = if near.is_empty() { names().map(str::to_owned).collect() } else { near };
        QueryError::UnknownReport { name: name.to_owned(), near }
    })
}

impl Report {
    /// The values of all parameters: what was given, else the defaults.
    ///
    /// # Errors
    /// [`QueryError::UnknownParam`], [`QueryError::ParamValue`]: the user must change what was given.
    pub fn bind(&self, given: &BTreeMap<String, String>) -> Result<Params, QueryError> {
        Params::bind(self, given)
    }
}
