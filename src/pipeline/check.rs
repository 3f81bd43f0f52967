use std::time::Duration;

use super::store::place;
use super::{Stop, client};
use crate::clock::{TimeRange, UtcTime};
use crate::config::{Options, Settings};
use crate::error::Error;
use crate::lake::{Lake, Probed};
use crate::source::{Ask, PageSource, RefusalReason, RequestTemplate, SourceError, Window};

/// Something that a load needs, and whether it is so.
#[derive(Debug)]
pub struct Check {
    /// What was tried: `login` or `lake`.
    pub name: &'static str,
    /// What was found, on one line; or why it is not so.
    pub result: Result<String, Error>,
}

/// Tries what a load needs: whether the API takes the login and answers, and whether the lake can be written. Nothing
/// stays behind, neither in the lake nor where there is none yet.
///
/// # Errors
/// [`Error::Interrupted`], [`Error::Terminated`]. What was found wrong is no error but a [`Check`].
pub async fn check(settings: &Settings, options: &Options, stop: &mut Stop) -> Result<Vec<Check>, Error> {
    let checks = async {
        let login = Check { name: "login", result: login(settings, options).await };
        let lake = Check { name: "lake", result: lake(settings, options).await };
        vec![login, lake]
    };
    tokio::select! {
        error = stop.asked() => Err(error),
        checks = checks => Ok(checks),
    }
}

/// Asks for the conversations of one second.
async fn login(settings: &Settings, options: &Options) -> Result<String, Error> {
    let client = client(settings, options)?;
    let account = Settings::needed("account_id", settings.account_id.clone())?;
    let stream = Settings::needed("stream_id", settings.stream_id.clone())?;
    let said = format!("account `{account}`, stream `{stream}`, API {}", settings.api);
    let to = UtcTime::from_seconds(settings.now.unwrap_or_else(UtcTime::now).seconds());
    let window = Window::covering(TimeRange::new(to.minus(Duration::from_secs(1)), to)?);
    let mut template = RequestTemplate::new(settings.api, account, stream);
    loop {
        match client.fetch(&template.request(&Ask::of(window), 0)).await {
            Ok(_) => return Ok(said),
            Err(error) => template = narrower(&template, &error).ok_or(error)?,
        }
    }
}

/// A load goes on without a field that the server refuses, so that is no failure.
fn narrower(template: &RequestTemplate, error: &SourceError) -> Option<RequestTemplate> {
    match error {
        SourceError::Refused(refusal) => match &refusal.reason {
            RefusalReason::Field(field) => template.without_field(field),
            _ => None,
        },
        _ => None,
    }
}

/// Writes where a load would write.
async fn lake(settings: &Settings, options: &Options) -> Result<String, Error> {
    let (url, store) = place(settings, options)?;
    Ok(match Lake::probe(&url, &store).await? {
        Probed::Writable => format!("`{url}` can be written"),
        Probed::Absent => format!("`{url}` is not there yet and can be made"),
    })
}
