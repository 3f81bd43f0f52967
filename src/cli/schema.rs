//! `kore-lake schema`.

use kore_lake::error::Error;
use kore_lake::lake::{LakeError, LakeUrl};
use kore_lake::pipeline;
use kore_lake::query::{Engine, LakeOutline, setup};
use kore_lake::schema::{Schema, SchemaFormat};

use super::{End, Invocation, print};

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    let document = |format| Schema::conversations().render(format, &invocation.settings.lake);
    let text = match invocation.argument("format").map(String::as_str) {
        Some("json") => document(SchemaFormat::Json),
        Some("markdown") => document(SchemaFormat::Markdown),
        Some("spark") => setup(Engine::Spark, &outline(invocation).await?),
        Some("duckdb") => setup(Engine::Duckdb, &outline(invocation).await?),
        _ => document(SchemaFormat::Tree),
    };
    print::result(&text).map_err(Error::Output)?;
    Ok(End::Done)
}

/// The lake of the settings, as other engines are told of it; one that is not there yet has empty tables.
pub async fn outline(invocation: &Invocation) -> Result<LakeOutline, Error> {
    let settings = &invocation.settings;
    let url = readable(&settings.lake)?;
    match pipeline::open_lake(settings, &invocation.options).await {
        Ok(lake) => Ok(LakeOutline::of(&url, &(&lake).into()).await?),
        Err(Error::Lake(LakeError::Absent { .. })) => Ok(LakeOutline::of_nothing(&url)),
        Err(error) => Err(error),
    }
}

/// The lake as other engines take it: they read no escapes in a `file://` URL.
fn readable(lake: &str) -> Result<String, Error> {
    if lake.starts_with("file://") { Ok(lake.parse::<LakeUrl>()?.to_string()) } else { Ok(lake.to_owned()) }
}
