use super::QueryError;
use super::script::{self, Statement};
use crate::schema::Schema;

/// The table that the views read: `conversations` with less below `destinations`.
pub(super) const NARROW: &str = "_conversations";

const DATAFUSION: &str = include_str!("../../sql/views/datafusion.sql");

/// The statements that make the flat views.
pub(super) fn datafusion() -> Result<Vec<Statement>, QueryError> {
    script::parse(&with_open_statuses(DATAFUSION))
}

/// The list of open statuses stands in the schema alone; the views name it `{open_statuses}`.
fn with_open_statuses(sql: &str) -> String {
    let statuses: Vec<_> =
        Schema::conversations().open_statuses.iter().map(|status| format!("'{}'", status.to_uppercase())).collect();
    sql.replace("{open_statuses}", &statuses.join(", "))
}
