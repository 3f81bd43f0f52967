//! `kore-lake schema`.

use kore_lake::error::Error;
use kore_lake::lake::LakeUrl;
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
    let lake = readable(&invocation.settings.lake)?;
    print::result(&Schema::conversations().render(format, &lake)).map_err(Error::Output)?;
    Ok(End::Done)
}

/// The lake as other engines take it: they read no escapes in a `file://` URL.
fn readable(lake: &str) -> Result<String, Error> {
    if lake.starts_with("file://") { Ok(lake.parse::<LakeUrl>()?.to_string()) } else { Ok(lake.to_owned()) }
}
