//! `kore-lake replay`.

use std::path::PathBuf;

use kore_lake::error::Error;
use kore_lake::pipeline::{self, ReplayRequest};
use kore_lake::source::BareDefaults;

use super::progress::Bar;
use super::{End, Invocation, summary};

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    let settings = &invocation.settings;
    let request = ReplayRequest {
        paths: invocation.matches.get_many::<PathBuf>("paths").into_iter().flatten().cloned().collect(),
        bare: BareDefaults {
            api: settings.api,
            account_id: settings.account_id.clone(),
            stream_id: settings.stream_id.clone(),
            time_zone_offset: invocation.matches.get_one::<i32>("time_zone_offset").copied().unwrap_or(0),
        },
        allow_downgrade: settings.allow_downgrade,
        wait_lock: settings.wait_lock,
        memory_limit_bytes: settings.memory_limit_bytes,
        strict: settings.strict,
    };
    let lake = pipeline::create_lake(settings, &invocation.options).await?;
    let bar = Bar::new(invocation.shows_progress());
    let finished = pipeline::replay(&lake, &request, &bar, invocation.stop.clone()).await;
    bar.clear();
    summary::close(invocation, finished)
}
