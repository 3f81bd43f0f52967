use super::engine::Engine;
use crate::schema::{Column, Kind, Schema};

const KEY: &str = "account_id, session_date, session_id, conversation_id";

/// The view `extra_values` over a table that has the key and every `extra`. Made from the schema, so that a struct
/// which is added there is counted here.
pub(super) fn extra_values(engine: Engine, table: &str) -> String {
    let mut places = Places { engine, selects: Vec::new() };
    places.visit(&Schema::conversations().columns, &Place { rows: table.to_owned(), value: None, path: String::new() });
    let member = engine.element("found", "member");
    let selects = places.selects.join("\n    UNION ALL ");
    format!(
        "-- One row for each row of `conversations`, path and kind of what was kept in `extra`, at any depth, with its count\n\
         -- in that row. A path is the names of columns down to the struct, without places in lists, then the API's key.\n\
         -- Kinds are those of json_members.\n\
         CREATE VIEW extra_values AS\n\
         SELECT\n  account_id, session_date, session_id, nullif(conversation_id, '') AS conversation_id, path, kind,\n  count(*) AS count\n\
         FROM (\n  SELECT {KEY}, place || member['key'] AS path, member['kind'] AS kind\n  \
         FROM (\n    SELECT {KEY}, place, {member} FROM (\n    SELECT {KEY}, place, json_members(extra) AS found FROM (\n    {selects}\n    ) AS places WHERE extra IS NOT NULL\n    ) AS objects\n  ) AS members\n) AS kept\n\
         GROUP BY {KEY}, path, kind;\n"
    )
}

/// A struct somewhere below the root.
struct Place {
    /// What to select from.
    rows: String,
    /// The struct, as an expression over these rows; none for the root.
    value: Option<String>,
    /// Names of columns down to it, each with its dot.
    path: String,
}

impl Place {
    fn member(&self, name: &str) -> String {
        self.value.as_ref().map_or_else(|| name.to_owned(), |value| format!("{value}['{name}']"))
    }

    fn below(&self, name: &str) -> String {
        format!("{}{name}.", self.path)
    }
}

struct Places {
    engine: Engine,
    selects: Vec<String>,
}

impl Places {
    fn visit(&mut self, columns: &[Column], place: &Place) {
        for column in columns {
            let value = place.member(&column.name);
            match &column.kind {
                _ if column.is_extra() => {
                    let Place { rows, path, .. } = place;
                    self.selects.push(format!("SELECT {KEY}, '{path}' AS place, {value} AS extra FROM {rows}"));
                }
                Kind::Struct(members) => {
                    let (rows, path) = (place.rows.clone(), place.below(&column.name));
                    self.visit(members, &Place { rows, value: Some(value), path });
                }
                Kind::List(element) => {
                    let Kind::Struct(members) = element.as_ref() else { continue };
                    let name = format!("element_{}", place.rows.matches("element_").count() + 1);
                    let rows = format!(
                        "(SELECT {KEY}, {} FROM {}) AS {name}s",
                        self.engine.element(&value, &name),
                        place.rows
                    );
                    self.visit(members, &Place { rows, value: Some(name), path: place.below(&column.name) });
                }
                _ => {}
            }
        }
    }
}
