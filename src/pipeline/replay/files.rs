use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::clock::UtcTime;
use crate::decode::{AppendedPage, DecodeError, DecodedRows, Decoder};
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
    let mut reading = Reading { run, decoder, open: None, reads: Vec::new() };
    for file in &group.files {
        if saved::read_quickly(file).is_some_and(|page| reading.add(&page).is_ok()) {
            continue;
        }
        match saved::read(file, bare).map_err(Error::from) {
            Ok(page) => {
                if let Err(source) = reading.add(&page) {
                    let error = Error::Decode { page: format!("`{}`", file.display()), source };
                    reading.reads.push(Read::Unreadable(error.line()));
                }
            }
            Err(error) if error.kind() == Kind::Incomplete => reading.reads.push(Read::Unreadable(error.line())),
            Err(error) => {
                reading.reads.push(Read::Failed(error));
                break;
            }
        }
    }
    reading.end()
}

/// A group of files that is being read.
struct Reading<'a> {
    run: &'a RunId,
    decoder: &'a mut Decoder,
    /// Rows of the pages that came last; the decoder holds them.
    open: Option<Rows>,
    reads: Vec<Read>,
}

impl Reading<'_> {
    /// Takes the rows of a page; none of one that fails.
    fn add(&mut self, page: &Page) -> Result<(), DecodeError> {
        if self.open.as_ref().is_some_and(|rows| !rows.are_asked_as(&page.request)) {
            self.close();
        }
        let appended = self.decoder.append(page)?;
        self.open.get_or_insert_with(|| Rows::of(&page.request)).add(page, appended);
        Ok(())
    }

    fn close(&mut self) {
        let decoded = self.decoder.finish(self.run);
        self.reads.extend(self.open.take().map(|rows| Read::Rows(Box::new(rows.end(decoded)))));
    }

    fn end(mut self) -> Vec<Read> {
        self.close();
        self.reads
    }
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
        let page = saved::read_quickly(file).or_else(|| saved::read(file, bare).ok())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = concat!(
        r#"{"kore_lake_page":1,"request":{"api":"v2","account_id":"acc","stream_id":"st-1","offset":0,"limit":100,"#,
        r#""body":{"timeZoneOffset":0}},"fetched_at":"2026-03-01T12:00:00Z","body":"#
    );
    const ANSWER: &str =
        r#"{"data":[{"sessionId":"69a4d33a14900239d7000000","startTime":"2026-03-02T00:00:00Z","channel":"voice"}]}"#;

    /// Rows, and lines about files that are no pages, without the folder.
    fn read_of(text: &str) -> (u64, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("page.json");
        fs::write(&file, text).unwrap();
        let (mut rows, mut lines) = (0, Vec::new());
        let run = RunId::generate();
        for read in read(&Group::of(vec![file]), &BareDefaults::default(), &run, &mut Decoder::default()) {
            match read {
                Read::Rows(read) => rows += read.staged.api_rows,
                Read::Unreadable(line) => lines.push(line.replace(&format!("{}/", folder.path().display()), "")),
                Read::Failed(error) => panic!("{error}"),
            }
        }
        (rows, lines)
    }

    #[test]
    fn what_stands_behind_the_answer_neither_hides_nor_spoils_it() {
        for behind in ["}", " \n}\n\n", r#","note":"}"}"#, r#", "note" : {"body":{}} }"#] {
            assert_eq!(read_of(&format!("{HEAD}{ANSWER}{behind}")), (1, Vec::new()), "{behind}");
        }
    }

    #[test]
    fn a_page_that_is_cut_off_or_broken_is_named_as_what_it_is() {
        let whole = format!("{HEAD}{ANSWER}}}");
        for end in HEAD.len()..whole.len() {
            let (rows, lines) = read_of(&whole[..end]);
            assert_eq!((rows, lines.len()), (0, 1), "{}", &whole[..end]);
            assert!(lines[0].contains("`page.json`") && lines[0].contains("a file that is cut off"), "{lines:?}");
        }
        for broken in [format!("{whole}}}"), format!("{whole}{whole}"), format!("{HEAD}{ANSWER},\"body\":{ANSWER}}}")] {
            let (rows, lines) = read_of(&broken);
            assert_eq!((rows, lines.len()), (0, 1), "{broken}");
            assert!(lines[0].contains("`page.json`: expected"), "{lines:?}");
        }
    }
}
