//! Pages as files: `load --save-pages` writes them, `replay` reads them.
//!
//! A saved page is `{"kore_lake_page":1,"request":…,"fetched_at":…,"body":<the answer>}`, without headers; a file
//! whose top level has `data` is a bare answer.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use serde_json::value::RawValue;

use super::files::{failed, make_folder, read_file, write_new};
use super::{Page, PageRequest, RequestBody, manifest};
use crate::clock::UtcTime;
use crate::schema::{AccountId, ApiVersion, StreamId};

/// Version of the envelope.
const VERSION: u32 = 1;

/// Why a file gives no page, or a page no file. One file's error says nothing about the others.
#[derive(Debug, thiserror::Error)]
pub enum SavedPageError {
    /// There is no such path.
    #[error("no such file or folder: `{path}`")]
    Missing {
        /// The path as given.
        path: PathBuf,
    },
    /// The file system failed.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// How it failed.
        #[source]
        source: io::Error,
    },
    /// The file is no whole JSON, half a file for example, or JSON of another form.
    #[error("`{path}`: expected {expected}, found {}", fault_of(source))]
    Broken {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// Where it breaks.
        #[source]
        source: serde_json::Error,
    },
    /// The file is something else.
    #[error("`{path}`: expected {expected}, found {found}")]
    Other {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A bare answer does not say of which account it is.
    #[error("`{path}`: a bare answer names no account, expected one by `--account-id`")]
    NoAccount {
        /// The file.
        path: PathBuf,
    },
}

fn fault_of(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        Category::Eof => "a file that is cut off",
        Category::Syntax | Category::Io => "broken JSON",
        Category::Data => "JSON of another form",
    }
}

/// What a bare answer does not say about itself.
#[derive(Debug, Clone, Default)]
pub struct BareDefaults {
    /// Version of the API.
    pub api: ApiVersion,
    /// Account; without one, bare answers are errors.
    pub account_id: Option<AccountId>,
    /// App or stream, where it is known.
    pub stream_id: Option<StreamId>,
    /// Minutes to add to a naive time for UTC (F13).
    pub time_zone_offset: i32,
}

/// What begins the answer in a saved page.
const BODY: &[u8] = b"\"body\":";
/// Bytes of a saved page in which its answer begins.
const HEAD_BYTES: usize = 16 << 10;

/// The members of a saved page before the answer.
#[derive(Deserialize)]
struct Head {
    kore_lake_page: u32,
    request: PageRequest,
    fetched_at: UtcTime,
}

#[derive(Serialize)]
struct Envelope<'a> {
    kore_lake_page: u32,
    request: &'a PageRequest,
    fetched_at: UtcTime,
}

/// The members that tell a saved page from a bare answer.
#[derive(Deserialize)]
struct Members<'a> {
    kore_lake_page: Option<u32>,
    request: Option<PageRequest>,
    fetched_at: Option<UtcTime>,
    #[serde(borrow)]
    body: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// Lists the files of `paths`: a file as it is, of a folder every `*.json` but `manifest.json`, recursively.
/// Sorted, each once.
///
/// # Errors
/// [`SavedPageError::Missing`] or [`SavedPageError::Io`]; a retry does not help.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>, SavedPageError> {
    let mut found = Vec::new();
    for path in paths {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => collect(path, &mut found)?,
            Ok(_) => found.push(path.clone()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SavedPageError::Missing { path: path.clone() });
            }
            Err(source) => return Err(failed("look at", path)(source)),
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// A link to a folder is not followed: it could lead back.
fn collect(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), SavedPageError> {
    for entry in fs::read_dir(folder).map_err(failed("list", folder))? {
        let entry = entry.map_err(failed("list", folder))?;
        let path = entry.path();
        if entry.file_type().map_err(failed("look at", &path))?.is_dir() {
            collect(&path, found)?;
        } else if path.extension().is_some_and(|end| end == "json") && entry.file_name() != manifest::NAME {
            found.push(path);
        }
    }
    Ok(())
}

/// Reads a file that is a saved page as [`write()`] makes it, without a look into the answer: that is what stands behind
/// `"body":`, up to the last brace. None where the file is anything else, or fails.
///
/// Who decodes the answer finds whether it is whole JSON; if it is not, [`read`] says what the file is.
pub fn read_quickly(path: &Path) -> Option<Page> {
    let bytes = read_file(path).ok()?;
    let (Head { kore_lake_page: VERSION, request, fetched_at }, start) = head(&bytes)? else { return None };
    let end = bytes.trim_ascii_end().strip_suffix(b"}")?.len();
    let body = bytes.get(start..end)?.trim_ascii();
    Some(Page { request, fetched_at, body: bytes.slice_ref(body) })
}

/// The members before the answer, and where that begins. What stands before a `"body":` within them is no whole object.
fn head(bytes: &[u8]) -> Option<(Head, usize)> {
    let places = bytes.windows(BODY.len()).take(HEAD_BYTES).enumerate().filter(|(_, place)| *place == BODY);
    places.map(|(start, _)| start).find_map(|start| {
        let members = bytes[..start].trim_ascii_end().strip_suffix(b",")?;
        let head = serde_json::from_slice(&[members, b"}"].concat()).ok()?;
        Some((head, start + BODY.len()))
    })
}

/// Reads one file: a saved page, or a bare answer (its top level has `data`), which `bare` completes and which
/// counts as fetched when the file was last modified. The answer is whole JSON; whether it is a page of records, who
/// decodes it says.
///
/// # Errors
/// [`SavedPageError`], which names the file. The other files can be read all the same.
pub fn read(path: &Path, bare: &BareDefaults) -> Result<Page, SavedPageError> {
    let bytes = read_file(path)?;
    let readable = as_text(&bytes);
    let members = members(path, &readable)?;
    match (members.kore_lake_page, members.data) {
        (Some(VERSION), _) => saved(path, &bytes, &readable, members),
        (Some(version), _) => Err(neither(path, format!("a saved page of version {version}"))),
        (None, Some(_)) => completed(path, bytes.clone(), bare),
        (None, None) => Err(neither(path, "a JSON object with neither".to_owned())),
    }
}

const PAGE: &str = "a saved page (`kore_lake_page`) or an answer with `data`";

fn members<'a>(path: &Path, text: &'a str) -> Result<Members<'a>, SavedPageError> {
    match text.trim_ascii_start().as_bytes().first() {
        Some(b'{') => {}
        None => return Err(neither(path, "an empty file".to_owned())),
        Some(_) => return Err(neither(path, "no JSON object".to_owned())),
    }
    serde_json::from_str(text).map_err(|source| SavedPageError::Broken {
        path: path.to_owned(),
        expected: PAGE,
        source,
    })
}

fn saved(path: &Path, bytes: &Bytes, text: &str, members: Members<'_>) -> Result<Page, SavedPageError> {
    let Members { request: Some(request), fetched_at: Some(fetched_at), body: Some(body), .. } = members else {
        let found = "one without `request`, `fetched_at` or `body`".to_owned();
        return Err(SavedPageError::Other { path: path.to_owned(), expected: "a whole saved page", found });
    };
    let start = body.get().as_ptr().addr() - text.as_ptr().addr();
    Ok(Page { request, fetched_at, body: bytes.slice(start..start + body.get().len()) })
}

fn completed(path: &Path, body: Bytes, bare: &BareDefaults) -> Result<Page, SavedPageError> {
    let account_id = bare.account_id.clone().ok_or_else(|| SavedPageError::NoAccount { path: path.to_owned() })?;
    let request = PageRequest {
        api: bare.api,
        account_id,
        stream_id: bare.stream_id.clone(),
        offset: None,
        limit: None,
        body: RequestBody { time_zone_offset: bare.time_zone_offset, ..RequestBody::default() },
    };
    Ok(Page { request, fetched_at: modified(path)?, body })
}

fn modified(path: &Path) -> Result<UtcTime, SavedPageError> {
    let time = fs::metadata(path).and_then(|metadata| metadata.modified()).map_err(failed("look at", path))?;
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(UtcTime::from_seconds(0).plus(since))
}

/// The file as text of the same length: a byte that is no UTF-8 becomes `?`. So positions in the text are
/// positions in the file, and an answer with a broken character still reaches the decoder byte for byte.
fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    Cow::Owned(text)
}

/// Writes `page` into `folder`, which is made where there is none, and returns the file's path. The file appears
/// whole or not at all, for its owner only, and never in place of another. Names sort by window, offset, time.
///
/// # Errors
/// [`SavedPageError::Io`].
pub fn write(folder: &Path, page: &Page) -> Result<PathBuf, SavedPageError> {
    let bytes = enveloped(page);
    make_folder(folder)?;
    let stem = stem(page);
    let mut name = format!("{stem}.json");
    for again in 2.. {
        if let Some(path) = write_new(folder, &name, &bytes)? {
            return Ok(path);
        }
        name = format!("{stem}_{again}.json");
    }
    unreachable!("a folder holds fewer files than there are numbers")
}

/// The answer's bytes stand in the envelope as they came.
fn enveloped(page: &Page) -> Vec<u8> {
    let envelope = Envelope { kore_lake_page: VERSION, request: &page.request, fetched_at: page.fetched_at };
    let mut bytes = serde_json::to_vec(&envelope).expect("a request has text keys only");
    bytes.pop(); // The closing brace, which follows the body.
    bytes.push(b',');
    bytes.extend_from_slice(BODY);
    bytes.extend_from_slice(&page.body);
    bytes.extend_from_slice(b"}\n");
    bytes
}

fn stem(page: &Page) -> String {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let end = |date: &Option<String>| date.as_deref().map_or_else(|| "none".to_owned(), digits);
    let PageRequest { offset, body, .. } = &page.request;
    let (from, to) = (end(&body.start_date), end(&body.end_date));
    format!("{from}_{to}_{:04}_{}", offset.unwrap_or(0), page.fetched_at.micros())
}

fn neither(path: &Path, found: String) -> SavedPageError {
    SavedPageError::Other { path: path.to_owned(), expected: PAGE, found }
}

#[cfg(test)]
mod tests;
