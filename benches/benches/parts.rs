//! The parts of the way from pages to Parquet, each by itself, on one thread: `cargo bench -p kore-lake-benches`.
//!
//! Throughput is in bytes of the pages' JSON, for every part. `skip` parses them and keeps nothing: a limit.

use std::hint::black_box;
use std::time::Duration;

use arrow::array::RecordBatch;
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kore_lake::clock::UtcTime;
use kore_lake::decode::Decoder;
use kore_lake::lake::PartitionEncoder;
use kore_lake::schema::{ApiVersion, RunId};
use kore_lake::simulator::{Api, Generator, GeneratorSettings, View};
use kore_lake::source::{Page, PageRequest, RequestBody};

const PAGE_RECORDS: usize = 100;
/// Pages whose rows make one batch, as in a run.
const BATCH_PAGES: usize = 20;

fn parts(criterion: &mut Criterion) {
    let pages = pages();
    let run = RunId::generate();
    let bytes = pages.iter().map(|page| page.body.len()).sum::<usize>();
    let mut group = criterion.benchmark_group("parts");
    group.throughput(Throughput::Bytes(u64::try_from(bytes).expect("a length fits 64 bits")));
    group.measurement_time(Duration::from_secs(10)).sample_size(30);
    group.bench_function("skip", |bencher| bencher.iter(|| skip(&pages)));
    let mut decoder = Decoder::new();
    group.bench_function("decode", |bencher| bencher.iter(|| decode(&mut decoder, &pages, &run)));
    group.bench_function("decode_appended", |bencher| bencher.iter(|| black_box(appended(&mut decoder, &pages, &run))));
    let batches = appended(&mut decoder, &pages, &run);
    group.bench_function("encode", |bencher| bencher.iter(|| black_box(encode(&batches, &run))));
    group.finish();
}

fn skip(pages: &[Page]) {
    for page in pages {
        serde_json::from_slice::<serde::de::IgnoredAny>(&page.body).expect("a page is JSON");
    }
}

/// A batch a page.
fn decode(decoder: &mut Decoder, pages: &[Page], run: &RunId) {
    for page in pages {
        black_box(decoder.decode(page, run).expect("a page"));
    }
}

/// A batch of many pages.
fn appended(decoder: &mut Decoder, pages: &[Page], run: &RunId) -> Vec<RecordBatch> {
    let batches = pages.chunks(BATCH_PAGES).map(|pages| {
        for page in pages {
            decoder.append(page).expect("a page");
        }
        decoder.finish(run).rows
    });
    batches.collect()
}

/// Bytes of one Parquet object.
fn encode(batches: &[RecordBatch], run: &RunId) -> usize {
    let mut encoder = PartitionEncoder::new(run, None).expect("an encoder");
    let mut bytes = 0;
    for rows in batches {
        encoder.write(rows).expect("rows under the schema");
        bytes += encoder.take().len();
    }
    encoder.finish().expect("the end of an object");
    bytes + encoder.take().len()
}

/// Pages of generated records, 12 MB in all: more than the caches of a core hold.
fn pages() -> Vec<Page> {
    let settings = GeneratorSettings { days: 4, ..GeneratorSettings::default() };
    let generator = Generator::new(settings).expect("settings of a generator");
    let stream = generator.settings().stream_ids[0].clone();
    let range = generator.range();
    let view = View::whole(Api::V2);
    let rows: Vec<_> = generator.rows_between(&stream, range.start, range.end).collect();
    let bodies = rows.chunks(PAGE_RECORDS).map(|rows| {
        let records: Vec<_> = rows.iter().map(|row| generator.record(*row, &view)).collect();
        format!(r#"{{"numResults":{},"data":[{}]}}"#, rows.len(), records.join(","))
    });
    bodies.map(|body| page(&generator, body)).collect()
}

fn page(generator: &Generator, body: String) -> Page {
    let request = PageRequest {
        api: ApiVersion::V2,
        account_id: generator.settings().account_id.parse().expect("an account"),
        stream_id: None,
        offset: None,
        limit: None,
        body: RequestBody::default(),
    };
    Page { request, fetched_at: UtcTime::from_seconds(0), body: Bytes::from(body) }
}

criterion_group!(benches, parts);
criterion_main!(benches);
