//! One way from saved pages to a Parquet file, timed: the peers and limits that are written in Rust. `benches/run` calls it.
//!
//! `pages PIPE --pages DIR [--out FILE] [--threads N]` prints one line of JSON:
//! `{"seconds":…, "bytes":…, "records":…, "output_bytes":…}`. Bytes are those of the pages' files.
//!
//! | pipe | what is timed |
//! | --- | --- |
//! | `generate` | writes `--records N` records to DIR, in pages of 100, by the simulator's generator |
//! | `read` | reading the files |
//! | `skip` | reading them and parsing the JSON, keeping nothing |
//! | `decode` | reading and decoding them to rows |
//! | `encode` | encoding the rows, which were decoded before, as the lake does |
//! | `arrow-json` | `arrow`'s JSON reader into `parquet`'s `ArrowWriter`, the API's names and shapes, times parsed |
//! | `ours` | reading, decoding and encoding, as the lake does, without staging and commit |

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use bytes::Bytes;
use kore_lake::clock::UtcTime;
use kore_lake::decode::Decoder;
use kore_lake::lake::PartitionEncoder;
use kore_lake::schema::{ApiVersion, Column, Kind, RunId, Schema};
use kore_lake::simulator::{Api, Generator, GeneratorSettings, View};
use kore_lake::source::{BareDefaults, Page, PageRequest, RequestBody, saved};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use rayon::prelude::*;

/// The program's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Rows that are encoded at a time.
const BATCH_ROWS: usize = 2_048;
const PAGE_RECORDS: usize = 100;
const ROW_GROUP_ROWS: usize = 131_072;

#[expect(clippy::print_stdout, reason = "the line is the result")]
fn main() -> Result<(), Error> {
    let options = Options::parse()?;
    rayon::ThreadPoolBuilder::new().num_threads(options.threads).build_global()?;
    let measured = match options.pipe.as_str() {
        "generate" => generate(&options)?,
        "read" => timed(&options, |files| files.iter().try_fold(Measured::default(), |sum, file| sum.read(file)))?,
        "skip" => timed(&options, skip)?,
        "decode" => timed(&options, decode)?,
        "encode" => encode(&options)?,
        "arrow-json" => timed(&options, |files| arrow_json(files, &options.out))?,
        "ours" => timed(&options, |files| ours(files, &options.out))?,
        other => return Err(format!("expected a pipe, found `{other}`").into()),
    };
    println!(
        r#"{{"seconds":{},"bytes":{},"records":{},"output_bytes":{}}}"#,
        measured.elapsed.as_secs_f64(),
        measured.bytes,
        measured.records,
        fs::metadata(&options.out).map_or(0, |file| file.len()),
    );
    Ok(())
}

struct Options {
    pipe: String,
    pages: PathBuf,
    out: PathBuf,
    threads: usize,
    records: usize,
}

impl Options {
    fn parse() -> Result<Self, Error> {
        let mut arguments = std::env::args().skip(1);
        let pipe = arguments.next().ok_or("expected a pipe")?;
        let mut options = BTreeMap::new();
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or_else(|| format!("`{name}`: expected a value"))?;
            options.insert(name, value);
        }
        let number = |name: &str, or: usize| options.get(name).map_or(Ok(or), |text| text.parse());
        Ok(Self {
            pipe,
            threads: number("--threads", 1)?,
            records: number("--records", 0)?,
            out: options.get("--out").map_or_else(|| PathBuf::from("/dev/null"), PathBuf::from),
            pages: options.get("--pages").ok_or("expected `--pages DIR`")?.into(),
        })
    }
}

#[derive(Default)]
struct Measured {
    elapsed: Duration,
    bytes: u64,
    records: usize,
}

impl Measured {
    fn read(mut self, file: &Path) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        self.bytes += u64::try_from(File::open(file)?.read_to_end(&mut bytes)?)?;
        Ok(self)
    }

    fn add(self, other: &Self) -> Self {
        Self { elapsed: self.elapsed, bytes: self.bytes + other.bytes, records: self.records + other.records }
    }
}

fn timed(options: &Options, work: impl FnOnce(&[PathBuf]) -> Result<Measured, Error>) -> Result<Measured, Error> {
    let files = saved::find(std::slice::from_ref(&options.pages))?;
    let began = Instant::now();
    let measured = work(&files)?;
    Ok(Measured { elapsed: began.elapsed(), ..measured })
}

fn skip(files: &[PathBuf]) -> Result<Measured, Error> {
    let each = files.par_iter().map(|file| {
        let bytes = fs::read(file)?;
        serde_json::from_slice::<serde::de::IgnoredAny>(&bytes)?;
        Ok::<_, Error>(Measured { bytes: u64::try_from(bytes.len())?, ..Measured::default() })
    });
    each.try_reduce(Measured::default, |sum, one| Ok(sum.add(&one)))
}

/// The rows of as many pages as make a batch, and what they measure.
fn decode_group(decoder: &mut Decoder, files: &[PathBuf], run: &RunId) -> Result<(RecordBatch, Measured), Error> {
    let mut measured = Measured::default();
    for file in files {
        let page = saved::read(file, &BareDefaults::default())?;
        measured.records += decoder.append(&page)?.rows;
        measured.bytes += fs::metadata(file)?.len();
    }
    Ok((decoder.finish(run).rows, measured))
}

/// Groups side by side; batches in the order of the files.
fn decoded(groups: &[&[PathBuf]], run: &RunId) -> Result<Vec<(RecordBatch, Measured)>, Error> {
    let each = groups.par_iter().with_max_len(1);
    each.map_init(Decoder::new, |decoder, files| decode_group(decoder, files, run)).collect()
}

fn groups(files: &[PathBuf]) -> Vec<&[PathBuf]> {
    files.chunks(BATCH_ROWS / PAGE_RECORDS).collect()
}

fn sum(decoded: &[(RecordBatch, Measured)]) -> Measured {
    decoded.iter().fold(Measured::default(), |sum, (_, one)| sum.add(one))
}

fn decode(files: &[PathBuf]) -> Result<Measured, Error> {
    let run = RunId::generate();
    let each = groups(files).into_par_iter().with_max_len(1);
    let each = each.map_init(Decoder::new, |decoder, files| Ok(decode_group(decoder, files, &run)?.1));
    each.try_reduce(Measured::default, |sum, one| Ok::<_, Error>(sum.add(&one)))
}

/// While some groups are encoded the next ones are decoded.
fn ours(files: &[PathBuf], out: &Path) -> Result<Measured, Error> {
    let run = RunId::generate();
    let mut encoder = PartitionEncoder::new(&run, None)?;
    let mut file = File::create(out)?;
    let mut measured = Measured::default();
    let mut now = Vec::new();
    for groups in groups(files).chunks(rayon::current_num_threads()).chain([&[][..]]) {
        let encode = || -> Result<(), Error> {
            for (rows, _) in &now {
                encoder.write(rows)?;
                file.write_all(&encoder.take())?;
            }
            Ok(())
        };
        let (encoded, next) = rayon::join(encode, || decoded(groups, &run));
        encoded?;
        now = next?;
        measured = measured.add(&sum(&now));
    }
    encoder.finish()?;
    file.write_all(&encoder.take())?;
    Ok(measured)
}

fn encode(options: &Options) -> Result<Measured, Error> {
    let run = RunId::generate();
    let files = saved::find(std::slice::from_ref(&options.pages))?;
    let batches = decoded(&groups(&files), &run)?;
    let mut file = File::create(&options.out)?;
    let began = Instant::now();
    let mut encoder = PartitionEncoder::new(&run, None)?;
    for (rows, _) in &batches {
        encoder.write(rows)?;
        file.write_all(&encoder.take())?;
    }
    encoder.finish()?;
    file.write_all(&encoder.take())?;
    let elapsed = began.elapsed();
    Ok(Measured { elapsed, ..sum(&batches) })
}

/// `arrow`'s reader takes records one after the other, so the pages are cut into records first, which is not free: it is
/// part of what a user of it would have to do.
fn arrow_json(files: &[PathBuf], out: &Path) -> Result<Measured, Error> {
    let schema = Arc::new(ArrowSchema::new(api_fields(&Schema::conversations().columns)));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(out)?, Arc::clone(&schema), Some(properties))?;
    let mut decoder = arrow::json::ReaderBuilder::new(schema)
        .with_batch_size(BATCH_ROWS)
        .with_coerce_primitive(true)
        .build_decoder()?;
    let mut measured = Measured::default();
    for file in files {
        let mut text = String::new();
        BufReader::new(File::open(file)?).read_to_string(&mut text)?;
        let page: Answer<'_> = serde_json::from_str(&text)?;
        for record in &page.body.data {
            let mut rest = record.get().as_bytes();
            while !rest.is_empty() {
                let taken = decoder.decode(rest)?;
                rest = &rest[taken..];
                if decoder.len() == BATCH_ROWS {
                    decoder.flush()?.map(|rows| writer.write(&rows)).transpose()?;
                }
            }
        }
        measured.bytes += u64::try_from(text.len())?;
        measured.records += page.body.data.len();
    }
    decoder.flush()?.map(|rows| writer.write(&rows)).transpose()?;
    writer.close()?;
    Ok(measured)
}

#[derive(serde::Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    body: Records<'a>,
}

#[derive(serde::Deserialize)]
struct Records<'a> {
    #[serde(borrow)]
    data: Vec<&'a serde_json::value::RawValue>,
}

/// The columns under the API's names. Left out is what this reader cannot take: free JSON, and what no column takes.
fn api_fields(columns: &[Column]) -> Vec<Field> {
    let keyed = columns.iter().filter(|column| column.kind != Kind::Json);
    let keyed = keyed.filter_map(|column| Some((column.key.as_ref()?, column)));
    keyed.map(|(key, column)| Field::new(key, api_type(&column.kind), true)).collect()
}

fn api_type(kind: &Kind) -> DataType {
    match kind {
        Kind::Struct(members) => DataType::Struct(api_fields(members).into()),
        Kind::List(element) => DataType::List(Arc::new(Field::new("element", api_type(element), true))),
        // `YES` and `NO`, or booleans, which become text.
        Kind::Boolean => DataType::Utf8,
        other => other.arrow(),
    }
}

fn generate(options: &Options) -> Result<Measured, Error> {
    const DAYS: u32 = 10;
    let settings = GeneratorSettings { days: DAYS, ..GeneratorSettings::default() };
    let per_day = u32::try_from(options.records)? / DAYS;
    let generator = Generator::new(GeneratorSettings { conversations_per_day: per_day, ..settings })?;
    let stream = generator.settings().stream_ids[0].clone();
    let range = generator.range();
    let view = View::whole(Api::V2);
    let rows: Vec<_> = generator.rows_between(&stream, range.start, range.end).collect();
    let began = Instant::now();
    for (number, rows) in (0..).zip(rows.chunks(PAGE_RECORDS)) {
        let records: Vec<_> = rows.iter().map(|row| generator.record(*row, &view)).collect();
        let request = PageRequest {
            api: ApiVersion::V2,
            account_id: generator.settings().account_id.parse()?,
            stream_id: None,
            offset: Some(number),
            limit: Some(u32::try_from(PAGE_RECORDS)?),
            body: RequestBody::default(),
        };
        let body = format!(r#"{{"numResults":{},"data":[{}]}}"#, rows.len(), records.join(","));
        saved::write(&options.pages, &Page { request, fetched_at: UtcTime::now(), body: Bytes::from(body) })?;
    }
    Ok(Measured { elapsed: began.elapsed(), bytes: 0, records: rows.len() })
}
