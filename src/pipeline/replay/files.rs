use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::clock::UtcTime;
use crate::decode::{AppendedPage, DecodedRows, Decoder};
use crate::error::{Error, Kind};
use crate::lake::{StagedWindow, WindowProof};
use crate::pipeline::run::{add_rejects, refused_columns};
use crate::schema::{AccountId, ApiVersion, RunId};
use crate::source::{BareDefaults, Manifest, Page, PageRequest, RowFacts, SavedWindow, saved};

/// Files of a group, and their bytes: enough for a batch of rows, as pages usually are.
const GROUP_FILES: usize = 16;
const GROUP_BYTES: u64 = 2 << 20;

/// Files that are read together.
pub(super) struct Group {
    pub(super) files: Vec<PathBuf>,
    pub(super) bytes: u64,
}

impl Group {
    pub(super) fn of(files: Vec<PathBuf>) -> Self {
        let bytes = files.iter().map(|file| size(file)).sum();
        Self { files, bytes }
    }

    /// Cuts files into groups.
    pub(super) fn cut(files: impl Iterator<Item = PathBuf>) -> impl Iterator<Item = Self> {
        let mut files = files.peekable();
        std::iter::from_fn(move || {
            files.peek()?;
            let mut group = Self { files: Vec::new(), bytes: 0 };
            while group.files.len() < GROUP_FILES && group.bytes < GROUP_BYTES {
                let Some(file) = files.next() else { break };
                group.bytes += size(&file);
                group.files.push(file);
            }
            Some(group)
        })
    }
}

/// A file that has no size is found out when it is read.
fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |metadata| metadata.len())
}

/// What files gave.
pub(super) enum Read {
    /// The rows of pages that were asked alike.
    Rows(Box<Rows>),
    /// A file that is no whole page, as a line that names it.
    Unreadable(String),
    /// What ends the run.
    Failed(Error),
}

/// Rows of one account.
pub(super) struct Rows {
    pub(super) account_id: AccountId,
    pub(super) api: ApiVersion,
    /// Bytes of the answers.
    pub(super) page_bytes: u64,
    pub(super) staged: StagedWindow,
}

impl Rows {
    fn of(request: &PageRequest) -> Self {
        let staged = StagedWindow { refused_columns: refused_columns(request), ..StagedWindow::default() };
        Self { account_id: request.account_id.clone(), api: request.api, page_bytes: 0, staged }
    }

    fn are_asked_as(&self, request: &PageRequest) -> bool {
        (&self.account_id, self.api) == (&request.account_id, request.api)
            && self.staged.refused_columns == refused_columns(request)
    }

    fn add(&mut self, page: &Page, appended: AppendedPage) {
        self.page_bytes += u64::try_from(page.body.len()).unwrap_or(u64::MAX);
        self.staged.pages += 1;
        self.staged.api_rows += u64::try_from(appended.rows + appended.rejects.len()).unwrap_or(u64::MAX);
        add_rejects(&mut self.staged, appended.rejects, &page.request, page.fetched_at);
    }

    fn end(mut self, decoded: DecodedRows) -> Self {
        if decoded.rows.num_rows() > 0 {
            self.staged.batches.push(decoded.rows);
            self.staged.session_dates.push(decoded.session_dates);
        }
        self
    }
}

/// Reads and decodes a group of files.
pub(super) fn read(group: &Group, bare: &BareDefaults, run: &RunId, decoder: &mut Decoder) -> Vec<Read> {
    let mut reads = Vec::new();
    let mut open: Option<Rows> = None;
    for file in &group.files {
        let page = match saved::read(file, bare).map_err(Error::from) {
            Ok(page) => page,
            Err(error) if error.kind() == Kind::Incomplete => {
                reads.push(Read::Unreadable(error.line()));
                continue;
            }
            Err(error) => {
                reads.push(Read::Failed(error));
                break;
            }
        };
        if let Some(rows) = open.take_if(|rows| !rows.are_asked_as(&page.request)) {
            reads.push(Read::Rows(Box::new(rows.end(decoder.finish(run)))));
        }
        match decoder.append(&page) {
            Ok(appended) => open.get_or_insert_with(|| Rows::of(&page.request)).add(&page, appended),
            Err(source) => {
                let error = Error::Decode { page: format!("`{}`", file.display()), source };
                reads.push(Read::Unreadable(error.line()));
            }
        }
    }
    let last = decoder.finish(run);
    reads.extend(open.map(|rows| Read::Rows(Box::new(rows.end(last)))));
    reads
}

/// Reads and decodes the pages of a window; none where they no longer hold what its manifest proves.
pub(super) fn read_proven(
    group: &Group,
    manifest: &Manifest,
    window: &SavedWindow,
    bare: &BareDefaults,
    run: &RunId,
    decoder: &mut Decoder,
) -> Option<Rows> {
    let gathered = gather(group, manifest, window, bare, decoder);
    // Also where that failed: no row may stay in the decoder.
    let decoded = decoder.finish(run);
    let (rows, read_at) = gathered?;
    let evidence = &window.evidence;
    let keys: HashSet<_> = decoded.keys().map(|key| RowFacts::key_of(key.session_id, key.conversation_id)).collect();
    if u64::try_from(keys.len()).ok() != Some(evidence.distinct_keys) {
        return None;
    }
    let mut rows = rows.end(decoded);
    rows.staged.proof = Some(WindowProof {
        stream: Some(manifest.stream_id.clone()),
        range: window.window.range(),
        read_at,
        as_of: manifest.as_of.unwrap_or(read_at),
        whole: true,
        covers: true,
        evidence_kind: evidence.kind.as_str().to_owned(),
        evidence: serde_json::to_value(evidence).ok()?,
    });
    Some(rows)
}

/// Appends the pages; when the first of them was fetched.
fn gather(
    group: &Group,
    manifest: &Manifest,
    window: &SavedWindow,
    bare: &BareDefaults,
    decoder: &mut Decoder,
) -> Option<(Rows, UtcTime)> {
    let mut gathered: Option<(Rows, UtcTime)> = None;
    let mut offsets = HashSet::new();
    for file in &group.files {
        let page = saved::read(file, bare).ok()?;
        if !manifest.asked(window, &page.request) || !offsets.insert(page.request.offset) {
            return None;
        }
        let appended = decoder.append(&page).ok()?;
        let (rows, read_at) = gathered.get_or_insert_with(|| (Rows::of(&page.request), page.fetched_at));
        rows.staged.refused_columns = refused_columns(&page.request);
        *read_at = page.fetched_at.min(*read_at);
        rows.add(&page, appended);
    }
    gathered
}
