use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files::{read_file, write_new_or_replace};
use super::{Ask, Evidence, PageRequest, RequestTemplate, SavedPageError, Window};
use crate::clock::{TimeRange, UtcTime};
use crate::schema::{AccountId, ApiVersion, RunId, StreamId};

/// Name of a manifest within a folder of saved pages.
pub(super) const NAME: &str = "manifest.json";

/// What the saved pages of one run prove: `manifest.json` beside them.
///
/// A folder holds the manifest of one run; a run that saves its pages takes a folder of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this format.
    #[serde(rename = "kore_lake_manifest")]
    version: u32,
    /// Run that saved the pages.
    pub run_id: RunId,
    /// Account read.
    pub account_id: AccountId,
    /// App or stream read.
    pub stream_id: StreamId,
    /// Version of the API.
    pub api: ApiVersion,
    /// Fields that were asked for besides the fixed ones (F3).
    pub selected_fields: Vec<String>,
    /// From the first second to the last that the run set out to read.
    pub range: Option<TimeRange>,
    /// Present of the run (`--now`), from which the age of what it read counts; none in manifests of old.
    #[serde(default)]
    pub as_of: Option<UtcTime>,
    /// Windows read whole, oldest first; what is not here is not proven.
    pub windows: Vec<SavedWindow>,
}

/// A window that was read whole, and the pages that show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SavedWindow {
    /// The window.
    pub window: Window,
    /// Why it counts as whole.
    pub evidence: Evidence,
    /// Names of its pages' files in the folder: where one is gone, so is the proof.
    pub pages: Vec<String>,
}

impl Manifest {
    const VERSION: u32 = 1;

    /// A manifest without windows yet, for a run that asked with `template`.
    pub fn new(run_id: RunId, template: &RequestTemplate, range: Option<TimeRange>) -> Self {
        Self {
            version: Self::VERSION,
            run_id,
            account_id: template.account_id.clone(),
            stream_id: template.stream_id.clone(),
            api: template.api,
            selected_fields: template.selected_fields.clone(),
            range,
            as_of: None,
            windows: Vec::new(),
        }
    }

    /// Whether `request` asks for a page of `window` as the run did: its account, stream and version, in UTC, all of
    /// the window. Fields may differ: a server can refuse one in mid-run.
    pub fn asked(&self, window: &SavedWindow, request: &PageRequest) -> bool {
        let (account_id, stream_id) = (self.account_id.clone(), self.stream_id.clone());
        let selected_fields = request.body.selected_fields.clone();
        let template = RequestTemplate { selected_fields, ..RequestTemplate::new(self.api, account_id, stream_id) };
        request.offset.is_some_and(|offset| *request == template.request(&Ask::of(window.window), offset))
    }

    /// Reads the manifest of `folder`; `None` where there is none.
    ///
    /// # Errors
    /// [`SavedPageError`] where the file is there and no manifest that this version understands.
    pub fn read(folder: &Path) -> Result<Option<Self>, SavedPageError> {
        let path = folder.join(NAME);
        if !path.exists() {
            return Ok(None);
        }
        let bytes = read_file(&path)?;
        let manifest: Self = serde_json::from_slice(&bytes).map_err(|source| SavedPageError::Broken {
            path: path.clone(),
            expected: "a manifest",
            source,
        })?;
        if manifest.version != Self::VERSION {
            let found = format!("version {}", manifest.version);
            return Err(SavedPageError::Other { path, expected: "a manifest of version 1", found });
        }
        Ok(Some(manifest))
    }

    /// Writes the manifest into `folder`, in place of an earlier state of it, atomically.
    ///
    /// # Errors
    /// [`SavedPageError::Io`].
    pub fn write(&self, folder: &Path) -> Result<(), SavedPageError> {
        let json = serde_json::to_vec_pretty(self).expect("a manifest has text keys only");
        write_new_or_replace(folder, NAME, &json)
    }
}
