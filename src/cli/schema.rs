//! `kore-lake schema`.

use kore_lake::error::Error;
use kore_lake::schema::{Schema, SchemaFormat};

use super::{End, Invocation, print};

pub fn run(invocation: &Invocation) -> Result<End, Error> {
    let format = match invocation.argument("format").map(String::as_str) {
        Some("json") => SchemaFormat::Json,
        Some("markdown") => SchemaFormat::Markdown,
        Some("spark") => SchemaFormat::Spark,
        Some("duckdb") => SchemaFormat::Duckdb,
        _ => SchemaFormat::Tree,
    };
    print::result(&Schema::conversations().render(format, &invocation.settings.lake)).map_err(Error::Output)?;
    Ok(End::Done)
}
