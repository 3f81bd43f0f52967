use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::AsArray;
use arrow::datatypes::TimestampMicrosecondType;
use tokio::sync::Semaphore;

use super::asked::Asked;
use super::budget::Budget;
use super::held::{Held, too_large};
use super::totals::Totals;
use crate::clock::UtcTime;
use crate::decode::{DecodedPage, Decoder};
use crate::error::Error;
use crate::schema::RunId;
use crate::source::{
    Ask, Doubt, Evidence, Learned, Next, Page, PageFacts, PageRequest, PageSource, Pages, Planned, RefusalReason,
    RequestTemplate, RowFacts, SourceError, Window, WindowReading, saved,
};

/// Pages that cannot be decoded, after which no more windows are cut to find the one bad record: the fault is then
/// the server's, not a record's.
const MOST_BAD_PAGES: u32 = 200;

/// Reads windows: fetches their pages in turn, decodes them, and lets the reading decide what they prove.
pub(super) struct WindowReader {
    pub(super) source: Arc<dyn PageSource>,
    pub(super) run_id: RunId,
    pub(super) save_pages: Option<PathBuf>,
    pub(super) budget: Budget,
    pub(super) held: Held,
    /// Shared by all windows: a field that the server refuses is asked for by none any more.
    pub(super) template: Mutex<RequestTemplate>,
    /// Shared by all windows: what the server was seen to do.
    pub(super) learned: Learned,
    /// One for each request that may be under way.
    pub(super) lanes: Arc<Semaphore>,
    /// How many rows windows under way have, as soon as it is known.
    pub(super) totals: Totals,
    pub(super) bad_pages: AtomicU32,
    /// Pages of what was asked for besides windows, or asked for again: their rows are kept all the same.
    pub(super) left_over: Mutex<Vec<Vec<ReadPage>>>,
}

/// A window, its pages, and what they prove.
pub(super) struct WindowRead {
    pub(super) planned: Planned,
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
    pub(super) facts: PageFacts,
    pub(super) request: PageRequest,
    pub(super) fetched_at: UtcTime,
}

/// What the pages of a window prove.
pub(super) enum WindowEnd {
    Whole(Evidence),
    /// Nothing: shorter windows may.
    Doubt(Doubt),
    /// Nothing, and there is no shorter window.
    Unreadable(String),
    /// Nothing yet: what the run may spend was spent.
    Cut,
}

/// What the pages of one ask prove, a window or a part of one.
pub(super) struct AskRead {
    pub(super) pages: Vec<ReadPage>,
    pub(super) keys: HashSet<u128>,
    /// JSON of the pages.
    pub(super) held_bytes: u64,
    pub(super) end: AskEnd,
    pub(super) requests: u32,
    pub(super) saved: Vec<String>,
}

pub(super) enum AskEnd {
    Whole(Evidence),
    Doubt(Doubt),
    Undecodable(String),
    Cut,
}

impl WindowReader {
    /// Reads one window to its end.
    pub(super) async fn read(&self, planned: Planned) -> Result<WindowRead, Error> {
        let began = UtcTime::now();
        let room = self.held.room(planned.window);
        let read = self.read_ask(planned.window, Ask::of(planned.window), planned.pages, room).await?;
        let smallest = planned.window.length().as_secs() <= 1;
        let read = match read.end {
            AskEnd::Doubt(_) if smallest && planned.pages == Pages::One => {
                // Nothing is shorter than a second: then as many pages as it takes.
                let again = self.read_ask(planned.window, Ask::of(planned.window), Pages::Many, room).await?;
                self.leave(read.pages);
                AskRead { requests: read.requests + again.requests, ..again }
            }
            _ => read,
        };
        if let (AskEnd::Doubt(doubt), true) = (&read.end, smallest) {
            let doubt = doubt.clone();
            return self.read_second(planned, read, &doubt, began).await;
        }
        let end = match read.end {
            AskEnd::Whole(evidence) => WindowEnd::Whole(evidence),
            AskEnd::Doubt(doubt) => WindowEnd::Doubt(doubt),
            AskEnd::Cut => WindowEnd::Cut,
            AskEnd::Undecodable(reason) => self.undecodable(reason, smallest),
        };
        let AskRead { pages, requests, saved, .. } = read;
        Ok(WindowRead { planned, end, requests, read_at: read_at(&pages, began), pages, saved })
    }

    /// One record can spoil a page: shorter windows part it from the others.
    fn undecodable(&self, reason: String, smallest: bool) -> WindowEnd {
        let bad_pages = self.bad_pages.fetch_add(1, Ordering::Relaxed);
        if smallest || bad_pages >= MOST_BAD_PAGES {
            WindowEnd::Unreadable(reason)
        } else {
            WindowEnd::Doubt(Doubt::Undecodable { reason })
        }
    }

    /// Reads the pages of one ask, as long as they fit the room.
    pub(super) async fn read_ask(
        &self,
        window: Window,
        ask: Ask,
        pages: Pages,
        room_bytes: u64,
    ) -> Result<AskRead, Error> {
        let begin = || WindowReading::part(window, ask.clone(), pages, self.template(), self.learned.clone());
        let mut reading = begin();
        let mut read = AskRead::default();
        let mut asked = Asked::new(Arc::clone(&self.source), Arc::clone(&self.lanes));
        let mut decoder = Decoder::new();
        let end = loop {
            let too_large = too_large(read.held_bytes, room_bytes);
            let request = match (reading.next(), too_large) {
                (Next::Request(request), None) if asked.has(&request) || self.budget.take() => request,
                (Next::Request(_), None) => break AskEnd::Cut,
                (Next::Whole(evidence), _) => break AskEnd::Whole(evidence),
                (Next::Request(_), Some(doubt)) | (Next::Doubt(doubt), _) => break AskEnd::Doubt(doubt),
            };
            self.ask(&mut asked, &request, reading.ahead(read.room_for(room_bytes)));
            let page = match asked.answer(&request).await? {
                Ok(page) => page,
                Err(error) if self.drop_field(&error) => {
                    self.leave(read.pages);
                    (reading, read) = (begin(), AskRead::default());
                    continue;
                }
                Err(error) => {
                    reading.refused(error)?;
                    continue;
                }
            };
            self.receive(&page, &mut read)?;
            let decoded = decode(decoder, page, self.run_id.clone()).await?;
            decoder = decoded.decoder;
            match decoded.page {
                Ok(page) => {
                    reading.observe(&page.facts);
                    read.pages.push(page);
                }
                Err(reason) => {
                    read.requests += 1;
                    break AskEnd::Undecodable(reason);
                }
            }
            if let Some(rows) = reading.counted() {
                self.totals.tell(window, rows);
            }
        };
        read.requests += self.receive_in_vain(asked, decoder).await?;
        Ok(read.ended(end, &reading))
    }

    /// Sends what is next, and with it what is sure to be, as far as the budget goes.
    fn ask(&self, asked: &mut Asked, next: &PageRequest, ahead: Vec<PageRequest>) {
        if !asked.has(next) {
            asked.ask(next.clone());
        }
        for request in ahead {
            if !asked.has(&request) {
                if !self.budget.take() {
                    break;
                }
                asked.ask(request);
            }
        }
    }

    fn receive(&self, page: &Page, read: &mut AskRead) -> Result<(), Error> {
        if let Some(folder) = &self.save_pages {
            read.saved.extend(saved_name(&saved::write(folder, page)?));
        }
        self.held.see(page.body.len());
        read.held_bytes += u64::try_from(page.body.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Keeps the rows of pages that were asked for before their turn, which did not come. Gives how many that were.
    async fn receive_in_vain(&self, asked: Asked, mut decoder: Decoder) -> Result<u32, Error> {
        let (mut requests, mut pages) = (0, Vec::new());
        for page in asked.rest().await? {
            requests += 1;
            let decoded = decode(decoder, page, self.run_id.clone()).await?;
            decoder = decoded.decoder;
            pages.extend(decoded.page);
        }
        self.leave(pages);
        Ok(requests)
    }

    /// Leaves pages whose rows are to be kept, though no window needs them.
    pub(super) fn leave(&self, pages: Vec<ReadPage>) {
        if !pages.is_empty() {
            self.left_over.lock().unwrap_or_else(PoisonError::into_inner).push(pages);
        }
    }

    /// The pages that were left so far.
    pub(super) fn left_over(&self) -> Vec<Vec<ReadPage>> {
        std::mem::take(&mut *self.left_over.lock().unwrap_or_else(PoisonError::into_inner))
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

impl Default for AskRead {
    fn default() -> Self {
        let (pages, keys, saved) = (Vec::new(), HashSet::new(), Vec::new());
        Self { pages, keys, held_bytes: 0, end: AskEnd::Cut, requests: 0, saved }
    }
}

impl AskRead {
    fn ended(self, end: AskEnd, reading: &WindowReading) -> Self {
        Self { end, requests: self.requests + reading.requests(), keys: reading.keys().clone(), ..self }
    }

    /// Pages that there is room for besides the next one, if they are as those that came.
    fn room_for(&self, room_bytes: u64) -> usize {
        let pages = u64::try_from(self.pages.len()).unwrap_or(u64::MAX);
        let a_page = self.held_bytes.checked_div(pages).unwrap_or(u64::MAX).max(1);
        let left = room_bytes.saturating_sub(self.held_bytes) / a_page;
        usize::try_from(left).unwrap_or(usize::MAX).saturating_sub(1)
    }
}

/// When the first of the pages came; no page, no earlier than `began`.
pub(super) fn read_at(pages: &[ReadPage], began: UtcTime) -> UtcTime {
    pages.iter().map(|page| page.fetched_at).fold(began, UtcTime::min)
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
        let page = decoded.map(|decoded| ReadPage {
            facts: facts(&decoded),
            page: decoded,
            request: page.request,
            fetched_at: page.fetched_at,
        });
        Decoded { decoder, page }
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Unexpected(error.to_string()))
}

fn facts(page: &DecodedPage) -> PageFacts {
    let rows = page.keys().zip(seconds(page, "session_start_time")).zip(seconds(page, "session_end_time"));
    let rows = rows.map(|((key, start), end)| RowFacts {
        key: RowFacts::key_of(key.session_id, key.conversation_id),
        bot_only: key.conversation_id.is_none(),
        start,
        end,
    });
    PageFacts { rows: rows.collect(), records: page.record_count(), num_results: page.num_results }
}

fn seconds<'a>(page: &'a DecodedPage, column: &str) -> impl Iterator<Item = Option<i64>> + use<'a> {
    let times = page.rows.column_by_name(column).expect("a column of the schema");
    times.as_primitive::<TimestampMicrosecondType>().iter().map(|time| time.map(|time| time.div_euclid(1_000_000)))
}
