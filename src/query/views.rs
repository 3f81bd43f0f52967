use super::QueryError;
use super::engine::Engine;
use super::error::internal;
use super::extra_values::extra_values;
use super::script::{self, Statement};
use crate::schema::Schema;

/// The table of what is kept in `extra`: `conversations` with nothing else but its key.
pub(super) const EXTRAS: &str = "_extras";

const FLAT: &str = include_str!("../../sql/views/flat.sql");

/// The statements that make the flat views in DataFusion.
pub(super) struct FlatViews {
    /// The one of `_sessions`, whose expressions the steps take.
    pub(super) sessions: Statement,
    /// Those of the views that are no steps.
    pub(super) views: Vec<Statement>,
}

pub(super) fn datafusion() -> Result<FlatViews, QueryError> {
    let all = script::parse(&flat(Engine::Datafusion))?;
    let named = |name: &str| all.iter().find(|statement| statement.creates() == Some(name.to_owned()));
    let sessions = named("_sessions").ok_or_else(|| internal("there is no view `_sessions`"))?.clone();
    let views = all.into_iter().filter(|statement| statement.creates().is_none_or(|name| !name.starts_with('_')));
    Ok(FlatViews { sessions, views: views.collect() })
}

/// The steps as DataFusion would compute them in SQL, with that before their names.
#[cfg(test)]
pub(super) fn steps_in_sql(prefix: &str) -> Result<Vec<Statement>, QueryError> {
    let mut text = flat(Engine::Datafusion);
    let names: Vec<String> = script::parse(&text)?.iter().filter_map(Statement::creates).collect();
    for name in names.iter().filter(|name| name.starts_with('_')) {
        for before in ["VIEW ", "FROM "] {
            for after in [" ", ";", ")", "\n"] {
                text = text.replace(&format!("{before}{name}{after}"), &format!("{before}{prefix}{name}{after}"));
            }
        }
    }
    let all = script::parse(&text)?.into_iter();
    Ok(all.filter(|statement| statement.creates().is_some_and(|name| name.starts_with(prefix))).collect())
}

/// The text of all flat views over `conversations`, as an engine takes it.
pub(super) fn flat(engine: Engine) -> String {
    let extras = if engine == Engine::Datafusion { EXTRAS } else { "conversations" };
    let views = filled(FLAT, engine).replace("{open_statuses}", &open_statuses());
    let views = format!("{views}\n{}", extra_values(engine, extras));
    views.replace("CREATE VIEW", engine.create_view())
}

/// The list of open statuses, which stands in the schema alone.
fn open_statuses() -> String {
    let statuses = Schema::conversations().open_statuses.iter();
    statuses.map(|status| format!("'{}'", status.to_lowercase())).collect::<Vec<_>>().join(", ")
}

/// Every `{each LIST AS NAME}` and `{lower TEXT}` in the engine's words.
fn filled(text: &str, engine: Engine) -> String {
    let mut parts = text.split('{');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let place = part.split_once('}').and_then(|(inside, rest)| Some((inside.split_once(' ')?, rest)));
        match place {
            Some((("each", inside), rest)) => {
                let (list, name) = inside.split_once(" AS ").expect("`{each LIST AS NAME}`");
                out.extend([&engine.each(list, name), rest]);
            }
            Some((("lower", inside), rest)) => out.extend([&engine.lower(inside), rest]),
            Some((("greatest_of", list), rest)) => out.extend([&engine.greatest_of(list), rest]),
            _ => out.extend(["{", part]),
        }
    }
    out
}
