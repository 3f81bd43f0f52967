use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Int32Array, Int64Array, ListBuilder, StringArray, StringBuilder, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Field;
use arrow::record_batch::RecordBatch;
use simdutf8::compat::from_utf8;
use xxhash_rust::xxh3::xxh3_64;

use super::column::{ColumnDecoder, Taken};
use super::error::DecodeError;
use super::flags::{Clocks, Flags};
use super::number;
use super::object::ObjectDecoder;
use super::page::{AppendedPage, DecodedPage, DecodedRows, Reject, RejectReason};
use super::scan::{Failed, Hashed, Scan, Value};
use crate::clock::{UtcTime, object_id_time};
use crate::schema::{ApiVersion, RunId, Schema, StreamId};
use crate::source::Page;

/// Longest body that is taken: a page of 200 records is about 0.5 MB, and far above this the 32-bit
/// offsets of Arrow would not hold.
const BODY_LIMIT_BYTES: usize = 256 << 20;

/// Turns pages into batches. It keeps its buffers' shape from batch to batch, so use one for many pages.
pub struct Decoder {
    schema: &'static Schema,
    record: ObjectDecoder,
    columns: RootColumns,
    rows: Vec<Row>,
    /// Of the pages that were appended, the number of rows up to their end and what those of each have in common.
    pages: Vec<(usize, PageFacts)>,
    rejects: Vec<Reject>,
}

/// What all rows of a page have in common.
struct PageFacts {
    fetched_at: UtcTime,
    api: ApiVersion,
    stream_id: Option<StreamId>,
    time_zone_offset: i32,
}

/// What a row has beside the columns that mirror the record.
struct Row {
    session_date: i32,
    content_hash: u64,
    flags: Flags,
}

/// Positions, in the root, of the columns that say more than their value.
struct RootColumns {
    session_id: usize,
    conversation_id: usize,
    final_status: usize,
    start: usize,
    end: usize,
}

impl RootColumns {
    fn new(schema: &Schema) -> Self {
        let position = |name: &str| {
            let found = schema.columns.iter().position(|column| column.name == name);
            found.unwrap_or_else(|| panic!("the schema has no column `{name}`"))
        };
        Self {
            session_id: position("session_id"),
            conversation_id: position("conversation_id"),
            final_status: position("final_status"),
            start: position("session_start_time"),
            end: position("session_end_time"),
        }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder of the compiled-in schema.
    pub fn new() -> Self {
        let schema = Schema::conversations();
        Self {
            schema,
            record: ObjectDecoder::new(&schema.columns),
            columns: RootColumns::new(schema),
            rows: Vec::new(),
            pages: Vec::new(),
            rejects: Vec::new(),
        }
    }

    /// Decodes one page: a row or a reject for each record of its `data`.
    ///
    /// # Errors
    /// The body is no page: not JSON, without a `data` array, or reporting errors. Nothing of it is
    /// kept, and the decoder can go on with another page. [`DecodeError`] says whether a retry helps.
    pub fn decode(&mut self, page: &Page, run_id: &RunId) -> Result<DecodedPage, DecodeError> {
        let AppendedPage { rejects, num_results, .. } = self.append(page)?;
        let DecodedRows { rows, session_dates } = self.finish(run_id);
        Ok(DecodedPage { rows, session_dates, rejects, num_results })
    }

    /// Decodes one page to rows behind those of the pages before, until [`finish`](Self::finish): quicker than a batch a
    /// page, as a page has few rows for so many columns.
    ///
    /// # Errors
    /// As [`decode`](Self::decode); the rows of the pages before are kept.
    pub fn append(&mut self, page: &Page) -> Result<AppendedPage, DecodeError> {
        let before = self.rows.len();
        let outcome = self.take_page(&page.body, page.request.body.time_zone_offset);
        let rejects = std::mem::take(&mut self.rejects);
        if outcome.is_err() {
            self.record.truncate(before);
            self.rows.truncate(before);
        }
        let num_results = outcome?;
        let facts = PageFacts {
            fetched_at: page.fetched_at,
            api: page.request.api,
            stream_id: page.request.stream_id.clone(),
            time_zone_offset: page.request.body.time_zone_offset,
        };
        self.pages.push((self.rows.len(), facts));
        Ok(AppendedPage { rows: self.rows.len() - before, rejects, num_results })
    }

    /// The rows of the pages that were appended; the decoder is empty again.
    pub fn finish(&mut self, run_id: &RunId) -> DecodedRows {
        let (rows, pages) = (std::mem::take(&mut self.rows), std::mem::take(&mut self.pages));
        let record = self.record.finish(rows.len());
        let record = record.as_any().downcast_ref::<StructArray>().expect("an object is a struct");
        let mut columns = record.columns().to_vec();
        let ours = &self.schema.columns[columns.len()..];
        columns.extend(ours.iter().map(|column| our_column(&column.name, &rows, &pages, run_id)));
        let batch =
            RecordBatch::try_new(Schema::conversations_arrow(), columns).expect("the columns follow the schema");
        DecodedRows { rows: batch, session_dates: rows.iter().map(|row| row.session_date).collect() }
    }

    /// Takes the records of a page; its `numResults`.
    fn take_page(&mut self, body: &[u8], offset_minutes: i32) -> Result<Option<i64>, DecodeError> {
        if body.len() > BODY_LIMIT_BYTES {
            return Err(DecodeError::TooLarge { limit_bytes: BODY_LIMIT_BYTES, found_bytes: body.len() });
        }
        let text = from_utf8(body).map_err(|error| DecodeError::NotUtf8 { position: error.valid_up_to() })?;
        let mut scan = Scan::new(text, offset_minutes);
        match self.take_answer(&mut scan, offset_minutes) {
            Ok(answer) => answer.check(),
            Err(failed) => Err(scan.error(failed)),
        }
    }

    fn take_answer<'a>(&mut self, scan: &mut Scan<'a>, offset_minutes: i32) -> Result<Answer<'a>, Failed> {
        if scan.peek() != b'{' {
            let found = scan.peek_kind();
            scan.skip()?;
            scan.end()?;
            return Err(scan.fail(DecodeError::NotAnObject { found }));
        }
        let mut answer = Answer::default();
        let mut more = scan.open(b'}')?;
        while more {
            let key = scan.key()?;
            match &*key.name {
                b"data" => self.take_data(scan, &mut answer, offset_minutes)?,
                b"numResults" => answer.num_results = integer(scan)?,
                b"errors" => answer.errors = errors(scan)?,
                _ => drop(scan.skip()?),
            }
            answer.keys.push(key.name);
            more = scan.goes_on(b'}')?;
        }
        scan.end()?;
        Ok(answer)
    }

    fn take_data(&mut self, scan: &mut Scan<'_>, answer: &mut Answer<'_>, offset_minutes: i32) -> Result<(), Failed> {
        let found = if scan.peek() == b'[' { Data::Array } else { Data::Other(scan.peek_kind()) };
        if answer.data != Data::Absent {
            let position = scan.place();
            return Err(scan.fail(DecodeError::DataRepeated { position }));
        }
        answer.data = found;
        if answer.data != Data::Array {
            scan.skip()?;
            return Ok(());
        }
        let mut position = 0_u32;
        let mut more = scan.open(b']')?;
        while more {
            position = position.saturating_add(1);
            self.take_record(scan, position, offset_minutes)?;
            more = scan.goes_on(b']')?;
        }
        Ok(())
    }

    fn take_record(&mut self, scan: &mut Scan<'_>, position: u32, offset_minutes: i32) -> Result<(), Failed> {
        scan.peek();
        let start = scan.place();
        let row = self.rows.len();
        let outcome = match self.record.decode(row, scan)? {
            Taken::Fits(content_hash) => self.row(row, content_hash, offset_minutes),
            Taken::Null | Taken::Misfit(_) => Err(RejectReason::NotAnObject),
        };
        match outcome {
            Ok(row) => self.rows.push(row),
            Err(reason) => {
                self.record.truncate(row);
                let text = scan.text(start..scan.place());
                let text_hash = xxh3_64(text.as_bytes()).cast_signed();
                self.rejects.push(Reject { position, reason, text: text.to_owned(), text_hash });
            }
        }
        Ok(())
    }

    /// What is known of the record that was decoded as row `row`, or why it is a reject.
    fn row(&self, row: usize, content_hash: u64, offset_minutes: i32) -> Result<Row, RejectReason> {
        let text = |column| self.record.text_of(column, row);
        let session_id = text(self.columns.session_id).filter(|id| !id.is_empty()).ok_or(RejectReason::SessionId)?;
        let conversation_id = text(self.columns.conversation_id);
        if conversation_id.is_none() && self.record.has(self.columns.conversation_id) {
            return Err(RejectReason::ConversationId);
        }
        let clocks = Clocks {
            of_id: object_id_time(session_id),
            start: self.record.time_of(self.columns.start, row),
            end: self.record.time_of(self.columns.end, row),
            offset_minutes,
            bot_only_without_status: conversation_id.is_none_or(str::is_empty)
                && text(self.columns.final_status).is_none(),
        };
        let begin = clocks.of_id.or(clocks.start).ok_or(RejectReason::NoTime)?;
        Ok(Row { session_date: begin.days(), content_hash, flags: clocks.flags() })
    }
}

fn our_column(name: &str, rows: &[Row], pages: &[(usize, PageFacts)], run_id: &RunId) -> ArrayRef {
    match name {
        "_fetched_at" => {
            let times: TimestampMicrosecondArray = each_row(pages, |page| Some(page.fetched_at.micros()));
            Arc::new(times.with_timezone("UTC"))
        }
        "_api_version" => Arc::new(each_row::<StringArray, _>(pages, |page| Some(page.api.as_str()))),
        "_run_id" => Arc::new(each_row::<StringArray, _>(pages, |_| Some(run_id.as_str()))),
        "_stream_id" => {
            Arc::new(each_row::<StringArray, _>(pages, |page| page.stream_id.as_ref().map(StreamId::as_str)))
        }
        "_time_zone_offset" => Arc::new(each_row::<Int32Array, _>(pages, |page| Some(page.time_zone_offset))),
        "_flags" => flags(rows),
        "_content_hash" => {
            Arc::new(rows.iter().map(|row| Some(row.content_hash.cast_signed())).collect::<Int64Array>())
        }
        other => panic!("the schema has the column `{other}`, which nothing fills"),
    }
}

/// For each row a value of its page.
fn each_row<'a, A: FromIterator<V>, V: Clone>(
    pages: &'a [(usize, PageFacts)],
    value: impl Fn(&'a PageFacts) -> V,
) -> A {
    let begins = std::iter::once(0).chain(pages.iter().map(|(end, _)| *end));
    let values = pages.iter().zip(begins).map(|((end, page), begin)| std::iter::repeat_n(value(page), end - begin));
    values.flatten().collect()
}

fn flags(rows: &[Row]) -> ArrayRef {
    let element = Field::new("element", arrow::datatypes::DataType::Utf8, true);
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(element);
    for row in rows {
        lists.append_value(row.flags.names().map(Some));
    }
    Arc::new(lists.finish())
}

/// What a page's object has besides its records.
#[derive(Default)]
struct Answer<'a> {
    keys: Vec<std::borrow::Cow<'a, [u8]>>,
    data: Data,
    num_results: Option<i64>,
    errors: Option<String>,
}

/// What `data` of a page is.
#[derive(Default, PartialEq)]
enum Data {
    #[default]
    Absent,
    Array,
    /// A value of this kind.
    Other(&'static str),
}

impl Answer<'_> {
    fn check(self) -> Result<Option<i64>, DecodeError> {
        if let Some(errors) = self.errors {
            return Err(DecodeError::Errors { errors });
        }
        match self.data {
            Data::Array => Ok(self.num_results),
            Data::Other(found) => Err(DecodeError::DataNotArray { found }),
            Data::Absent => {
                let keys: Vec<_> = self.keys.iter().map(|key| format!("`{}`", String::from_utf8_lossy(key))).collect();
                Err(DecodeError::NoData { keys: shortened(&keys.join(", ")) })
            }
        }
    }
}

fn integer(scan: &mut Scan<'_>) -> Result<Option<i64>, Failed> {
    Ok(match scan.value()? {
        Hashed { value: Value::Number(number), .. } => number::integral(number),
        _ => None,
    })
}

/// The text of `errors`; none where it is null or empty, which says that there are none.
fn errors(scan: &mut Scan<'_>) -> Result<Option<String>, Failed> {
    scan.peek();
    let start = scan.place();
    scan.skip()?;
    let text = scan.text(start..scan.place());
    let says_nothing = ["null", "[]", "{}", r#""""#].contains(&text);
    Ok((!says_nothing).then(|| shortened(text)))
}

/// At most 200 characters, for messages.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
