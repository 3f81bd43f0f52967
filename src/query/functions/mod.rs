//! The prelude's functions for DataFusion. What they mean is written in `sql/prelude/README.md`, for all engines.

mod json;
mod scalar;
mod text;
mod time;

pub(super) use text::LOWER_ASCII;
pub(super) use time::{seconds, time_zone};

use datafusion::common::Result;
use datafusion::prelude::SessionContext;

/// Tells DataFusion of the prelude's functions and of `datafusion-functions-json` (`json_get`, `->`, `->>`, …).
pub(super) fn register(context: &mut SessionContext) -> Result<()> {
    datafusion_functions_json::register_all(context)?;
    for function in time::functions().into_iter().chain(json::functions()).chain(text::functions()) {
        context.register_udf(function);
    }
    Ok(())
}
