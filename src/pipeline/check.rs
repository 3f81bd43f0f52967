use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path as FsPath, PathBuf};
use std::time::Duration;

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, PutPayload};

use super::{Stop, client};
use crate::clock::{TimeRange, UtcTime};
use crate::config::{Options, Settings};
use crate::error::Error;
use crate::lake::{Lake, LakeError, LakeUrl};
use crate::schema::RunId;
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
        let lake = Check { name: "lake", result: lake(settings).await };
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

/// Writes where a load would write, and takes it away again.
async fn lake(settings: &Settings) -> Result<String, Error> {
    let url: LakeUrl = settings.lake.parse()?;
    let probe = format!("_check-{}.tmp", RunId::generate()); // a name that a writer sweeps, if this one were killed
    for folder in ["conversations", "_kore_lake"] {
        probe_folder(&nearest(&url.folder().join(folder))?, &probe)?;
    }
    match Lake::open_existing(&url) {
        Ok(lake) if url.folder().join("_kore_lake").is_dir() => {
            probe_store(&lake, &Path::from(format!("_kore_lake/{probe}"))).await?;
            Ok(format!("`{url}` can be written"))
        }
        Ok(_) => Ok(format!("`{url}` can be written")),
        Err(LakeError::Absent { .. }) => Ok(format!("`{url}` is not there yet and can be made")),
        Err(error) => Err(error.into()),
    }
}

/// The folder, or the nearest one above it that is there.
fn nearest(folder: &FsPath) -> Result<PathBuf, LakeError> {
    let found = folder.ancestors().find(|path| path.exists()).unwrap_or(folder);
    if found.is_dir() { Ok(found.to_owned()) } else { Err(LakeError::NotAFolder { path: found.to_owned() }) }
}

/// Tried, since permission bits tell only half.
fn probe_folder(folder: &FsPath, name: &str) -> Result<(), LakeError> {
    let file = folder.join(name);
    let made = OpenOptions::new().write(true).create_new(true).open(&file);
    let tried = made.and_then(|_| fs::remove_file(&file));
    tried.map_err(|source: io::Error| LakeError::Folder { path: folder.to_owned(), source })
}

/// The lock of an account rests on making an object only where there is none.
async fn probe_store(lake: &Lake, path: &Path) -> Result<(), LakeError> {
    let failed = |operation, source| LakeError::Store { operation, path: path.to_string(), source };
    let made = lake.store().put_opts(path, PutPayload::default(), PutMode::Create.into()).await;
    made.map_err(|source| failed("write", source))?;
    lake.store().delete(path).await.map_err(|source| failed("delete", source))
}
