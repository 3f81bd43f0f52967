use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::UtcTime;
use crate::decode::{DecodedPage, Decoder};
use crate::error::Error;
use crate::schema::RunId;
use crate::source::{
    Evidence, Next, Page, PageFacts, PageRequest, PageSource, RefusalReason, RequestTemplate, SourceError, Window,
    WindowReading, saved,
};

/// Reads windows: fetches their pages in turn, decodes them, and lets the reading decide what they prove.
pub(super) struct WindowReader {
    pub(super) source: Arc<dyn PageSource>,
    pub(super) run_id: RunId,
    pub(super) save_pages: Option<PathBuf>,
    /// Shared by all windows: a field that the server refuses is asked for by none any more.
    pub(super) template: Mutex<RequestTemplate>,
}

/// A window, its pages, and what they prove.
pub(super) struct WindowRead {
    pub(super) window: Window,
    pub(super) pages: Vec<ReadPage>,
    pub(super) end: WindowEnd,
    /// Requests answered or refused, retries not counted.
    pub(super) requests: u32,
    /// When the read began: rows may have changed since.
    pub(super) read_at: UtcTime,
    /// Names of the files that keep the pages.
    pub(super) saved: Vec<String>,
}

/// A page of a window, decoded.
pub(super) struct ReadPage {
    pub(super) page: DecodedPage,
    pub(super) request: PageRequest,
    pub(super) fetched_at: UtcTime,
}

/// What the pages of a window prove.
pub(super) enum WindowEnd {
    Whole(Evidence),
    Split(Vec<Window>),
    Unreadable(String),
}

impl WindowReader {
    /// Reads one window to its end. Pages of a window that must be split are left out: its parts bring them again.
    pub(super) async fn read(&self, window: Window) -> Result<WindowRead, Error> {
        let mut reading = WindowReading::new(window, self.template());
        let mut read = WindowRead::begin(window);
        let mut decoder = Decoder::new();
        loop {
            let request = match reading.next() {
                Next::Request(request) => request,
                end => return Ok(read.ended(end, reading.requests())),
            };
            let page = match self.source.fetch(&request).await {
                Ok(page) => page,
                Err(error) if self.drop_field(&error) => {
                    reading = WindowReading::new(window, self.template());
                    read = WindowRead::begin(window);
                    continue;
                }
                Err(error) => {
                    reading.refused(error)?;
                    continue;
                }
            };
            if let Some(folder) = &self.save_pages {
                read.saved.extend(saved_name(&saved::write(folder, &page)?));
            }
            let decoded = decode(decoder, page, self.run_id.clone()).await?;
            decoder = decoded.decoder;
            match decoded.page {
                Ok(page) => {
                    reading.observe(&facts(&page.page));
                    read.add(page);
                }
                Err(reason) => {
                    let requests = reading.requests() + 1;
                    return Ok(WindowRead { end: WindowEnd::Unreadable(reason), requests, ..read });
                }
            }
        }
    }

    /// What is asked for, without the fields that the server refused.
    pub(super) fn template(&self) -> RequestTemplate {
        self.template.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether `error` refuses a field by name, so that a request without it may pass.
    fn drop_field(&self, error: &SourceError) -> bool {
        let SourceError::Refused(refusal) = error else { return false };
        let RefusalReason::Field(field) = &refusal.reason else { return false };
        let mut template = self.template.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(without) = template.without_field(field) {
            tracing::warn!(field, "the server refuses a selectable field; going on without it");
            *template = without;
        }
        true
    }
}

impl WindowRead {
    fn begin(window: Window) -> Self {
        let end = WindowEnd::Split(Vec::new());
        Self { window, pages: Vec::new(), end, requests: 0, read_at: UtcTime::now(), saved: Vec::new() }
    }

    fn add(&mut self, page: ReadPage) {
        self.read_at = self.read_at.min(page.fetched_at);
        self.pages.push(page);
    }

    fn ended(self, end: Next, requests: u32) -> Self {
        match end {
            Next::Whole(evidence) => Self { end: WindowEnd::Whole(evidence), requests, ..self },
            Next::Unreadable { why, .. } => Self { end: WindowEnd::Unreadable(why.to_string()), requests, ..self },
            Next::Split { windows, why } => {
                tracing::debug!(window = %self.window, %why, "window is split");
                Self { end: WindowEnd::Split(windows), requests, pages: Vec::new(), ..self }
            }
            Next::Request(_) => self,
        }
    }
}

fn saved_name(path: &Path) -> Option<String> {
    path.file_name().and_then(|name| name.to_str()).map(str::to_owned)
}

struct Decoded {
    decoder: Decoder,
    page: Result<ReadPage, String>,
}

/// Decodes off the network runtime: a page is a few hundred kilobytes of parsing.
async fn decode(mut decoder: Decoder, page: Page, run_id: RunId) -> Result<Decoded, Error> {
    let work = move || {
        let decoded = decoder.decode(&page, &run_id).map_err(|error| error.to_string());
        let page =
            decoded.map(|decoded| ReadPage { page: decoded, request: page.request, fetched_at: page.fetched_at });
        Decoded { decoder, page }
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Unexpected(error.to_string()))
}

fn facts(page: &DecodedPage) -> PageFacts {
    let groups = page.group_counts();
    PageFacts {
        keys: page.keys().map(|key| PageFacts::row_key(key.session_id, key.conversation_id)).collect(),
        bot_only: groups.bot_only,
        conversations: groups.conversations,
        records: page.record_count(),
        num_results: page.num_results,
    }
}
