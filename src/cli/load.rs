//! `kore-lake load`.

use std::sync::Arc;

use kore_lake::config::Settings;
use kore_lake::error::Error;
use kore_lake::lake::{Lake, LakeUrl};
use kore_lake::pipeline::{self, LoadRequest};

use super::progress::Bar;
use super::{End, Invocation, range, summary};

pub async fn run(invocation: &Invocation) -> Result<End, Error> {
    let request = request(invocation)?;
    let source = pipeline::client(&invocation.settings, &invocation.options)?;
    let url: LakeUrl = invocation.settings.lake.parse()?;
    let lake = Lake::create(&url)?;
    let bar = Bar::new(invocation.shows_progress());
    let finished = pipeline::load(&lake, Arc::new(source), &request, &bar, invocation.stop.clone()).await;
    bar.clear();
    summary::close(invocation, finished)
}

fn request(invocation: &Invocation) -> Result<LoadRequest, Error> {
    let settings = &invocation.settings;
    Settings::needed("host", settings.host.as_ref())?;
    let range = range::asked(invocation)?.ok_or_else(|| Error::Usage("expected `--from`, found none".to_owned()))?;
    Ok(LoadRequest {
        account_id: Settings::needed("account_id", settings.account_id.clone())?,
        stream_id: Settings::needed("stream_id", settings.stream_id.clone())?,
        api: settings.api,
        range,
        window: settings.window,
        concurrency: settings.concurrency,
        save_pages: settings.save_pages.clone(),
        allow_downgrade: settings.allow_downgrade,
        wait_lock: settings.wait_lock,
        memory_limit_bytes: settings.memory_limit_bytes,
        strict: settings.strict,
    })
}
