//! Values that are meant to do harm: none leaves the lake's folder, none takes memory without bound.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::loaded::Contents;
use crate::program::{Program, Ran};
use crate::raw::{Asked, Raw, load_line};
use crate::reliability::{Figure, tell};
use crate::service::Service;

/// Far below what the hostile bodies would take, well above what the program needs without them.
const MEMORY_BYTES: u64 = 500 << 20;
const HOSTILE_BYTES: usize = 500 << 20;

const HOSTILE_IDS: [&str; 12] =
    ["..", ".", "a/b", "../a", "/etc/passwd", "a=b", "a%2fb", "a\nb", "a b", "", "-a", "a\\b"];

fn load(folder: &TempDir, host: &str, more: &str) -> Program {
    let line = format!("{} -q {more}", load_line(host));
    Program::new(folder.path(), &line).env("KORE_LAKE_TOKEN", "any.token")
}

/// Runs to the end, and gives the most memory that was held.
fn run(program: Program) -> (Ran, u64) {
    let (mut running, mut peak) = (program.start(), 0);
    while running.is_alive() {
        peak = peak.max(running.peak_bytes().unwrap_or_default());
        sleep(Duration::from_millis(3)); // between two looks at the child
    }
    assert!(peak > 0, "nobody saw how much memory was held");
    (running.ended(), peak)
}

/// A server that gives the records of the window, on one page.
fn serving(records: Vec<(&'static str, Value)>) -> Raw {
    serving_pages(records, usize::MAX)
}

/// The same, so many records a page.
fn serving_pages(records: Vec<(&'static str, Value)>, page_rows: usize) -> Raw {
    Raw::answering(move |asked: &Asked, stream: &mut TcpStream| {
        let within = asked.window("startDate")..=asked.window("endDate");
        let all = records.iter().filter(|(start, _)| within.contains(&(*start).to_owned()));
        let all: Vec<_> = all.map(|(_, record)| record).collect();
        let shown = all.chunks(page_rows).nth(asked.offset().try_into().unwrap()).unwrap_or_default();
        crate::raw::json(stream, &json!({"numResults": all.len(), "data": shown}).to_string())
    })
}

fn record(id: &str, start: &str) -> Value {
    json!({"sessionId": id, "conversationId": id, "sessionStartTime": start.replace(' ', "T"), "channel": id})
}

/// Records of a day that fill pages of 20 MB.
const LARGE_RECORDS: usize = 1_000;
const LARGE_BYTES: usize = 200_000;
/// The day took 714 MiB where windows held all of their pages, and batches 2,048 rows whatever their size.
const LARGE_MEMORY_BYTES: u64 = 450 << 20;

/// A server of large records through a day, 100 a page.
fn serving_large() -> Raw {
    Raw::answering(|asked: &Asked, stream: &mut TcpStream| {
        let within = asked.window("startDate")..=asked.window("endDate");
        let all: Vec<_> = (0..LARGE_RECORDS).filter(|at| within.contains(&large_start(*at))).collect();
        let page = all.chunks(100).nth(asked.offset().try_into().unwrap()).unwrap_or_default();
        let page: Vec<_> = page.iter().copied().map(large_record).collect();
        crate::raw::json(stream, &json!({"numResults": all.len(), "data": page}).to_string())
    })
}

fn large_start(at: usize) -> String {
    let second = at * (86_400 / LARGE_RECORDS);
    format!("2026-03-02 {:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

fn large_record(at: usize) -> Value {
    let id = format!("session-{at:04}.");
    let mut record = record(&id, &large_start(at));
    record["channelSpecificUserId"] = id.repeat(LARGE_BYTES / id.len()).into();
    record
}

fn outside_the_lake(folder: &Path) -> Vec<String> {
    let all = Contents::of(folder);
    let paths = all.files().map(|(path, _)| path.strip_prefix(folder).unwrap().display().to_string());
    paths.filter(|path| !path.starts_with("lake/")).collect()
}

fn count(folder: &Path, condition: &str) -> String {
    let sql = format!("SELECT count(*) AS n FROM conversations WHERE {condition}");
    Program::new(folder, "query --format csv -c").arg(sql).run().output()
}

#[test]
fn ids_that_could_leave_the_folder_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for id in HOSTILE_IDS {
        for option in ["--account-id", "--stream-id"] {
            let other = if option == "--account-id" { "--stream-id=s" } else { "--account-id=a" };
            let line = "load -q --host 127.0.0.1:1 --from 2026-03-02 --to 2026-03-03";
            let program = Program::new(folder.path(), line).arg(other).arg(format!("{option}={id}"));
            let ran = program.env("KORE_LAKE_TOKEN", "any.token").run();
            assert_eq!(ran.code, 2, "{option} {id:?}: {ran}");
        }
        let replayed = Program::new(folder.path(), "replay -q page.json").arg(format!("--account-id={id}")).run();
        assert_eq!(replayed.code, 2, "{id:?}: {replayed}");
    }
    assert!(Contents::of(folder.path()).is_empty());
}

#[test]
fn hostile_ids_inside_records_are_data() {
    let folder = tempfile::tempdir().unwrap();
    let starts = ["2026-03-02 10:00:00", "2026-03-02 11:00:00", "2026-03-02 12:00:00"];
    let ids: Vec<_> = HOSTILE_IDS
        .iter()
        .copied()
        .filter(|id| !id.is_empty())
        .chain(["../../../../escape", "é\u{0}\u{202e}"])
        .collect();
    let records = ids.iter().enumerate().map(|(at, id)| (starts[at % 3], record(id, starts[at % 3]))).collect();
    let server = serving(records);
    let ran = load(&folder, &server.url(), "--save-pages lake/pages").run();
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(outside_the_lake(folder.path()), [] as [&str; 0]);
    assert_eq!(count(folder.path(), "session_id = conversation_id"), format!("n\n{}\n", ids.len()));
    assert_eq!(count(folder.path(), "session_id = '../../../../escape'"), "n\n1\n");
    let objects = fs::read_dir(folder.path().join("lake/conversations/account_id=a")).unwrap().count();
    assert_eq!(objects, 1, "one day, whatever the ids");
}

#[test]
fn a_string_of_ten_megabytes_is_kept_whole() {
    let folder = tempfile::tempdir().unwrap();
    let start = "2026-03-02 10:00:00";
    let mut long = record("long", start);
    long["channelSpecificUserId"] = "x".repeat(10_000_000).into();
    long["unknown"] = "y".repeat(10_000_000).into();
    let server = serving(vec![(start, long), (start, record("short", start))]);
    let (ran, peak) = run(load(&folder, &server.url(), ""));
    assert_eq!(ran.code, 0, "{ran}");
    assert!(peak < MEMORY_BYTES, "{peak} bytes");
    assert_eq!(count(folder.path(), "length(channel_specific_user_id) = 10000000"), "n\n1\n");
}

#[test]
fn a_day_of_large_pages_is_read_whole_in_bounded_memory() {
    let (folder, server) = (tempfile::tempdir().unwrap(), serving_large());
    let line = load_line(&server.url()).replace("--concurrency 1", "--concurrency 4 --memory-limit 64MiB");
    let (ran, peak) = run(Program::new(folder.path(), &line).env("KORE_LAKE_TOKEN", "any.token"));
    assert_eq!(ran.code, 0, "{ran}");
    assert!(peak < LARGE_MEMORY_BYTES, "{peak} bytes\n{ran}");
    let times = LARGE_BYTES / "session-0000.".len();
    let whole = format!("channel_specific_user_id = repeat(session_id, {times})");
    assert_eq!(count(folder.path(), &whole), format!("n\n{LARGE_RECORDS}\n"));
    assert_eq!(count(folder.path(), "true"), format!("n\n{LARGE_RECORDS}\n"));
    let distinct = "SELECT count(DISTINCT session_id) AS n FROM conversations";
    let distinct = Program::new(folder.path(), "query --format csv -c").arg(distinct).run().output();
    assert_eq!(distinct, format!("n\n{LARGE_RECORDS}\n"));
    tell(
        "Large pages",
        &[
            Figure::exact("records of 200 kB in a day, on pages of 20 MB, read with a limit of 64 MiB", LARGE_RECORDS),
            Figure::exact("memory that was not exceeded, MiB", usize::try_from(LARGE_MEMORY_BYTES >> 20).unwrap()),
            Figure::exact("rows lost", 0),
            Figure::exact("rows doubled", 0),
        ],
    );
}

/// Nothing is shorter than a second: what of it fits the memory is kept, and that there may be more is said.
#[test]
fn a_second_that_fills_the_memory_is_named_and_its_rows_are_kept() {
    let (folder, start) = (tempfile::tempdir().unwrap(), "2026-03-02 10:00:10");
    let large = |at: usize| {
        let mut record = record(&format!("large-{at}"), start);
        record["channelSpecificUserId"] = "x".repeat(1_000_000).into();
        (start, record)
    };
    let small = ("2026-03-02 10:00:20", record("small", "2026-03-02 10:00:20"));
    let server = serving_pages((0..25).map(large).chain([small]).collect(), 20);
    let range = "--from 2026-03-02T10:00:00Z --to 2026-03-02T10:01:00Z";
    let line = load_line(&server.url()).replace("--from 2026-03-02 --to 2026-03-03", range);
    let program = Program::new(folder.path(), &format!("{line} -q --memory-limit 32MiB"));
    let (ran, peak) = run(program.env("KORE_LAKE_TOKEN", "any.token"));
    assert_eq!(ran.code, 5, "{ran}");
    let named = "the window 2026-03-02T10:00:10Z to 2026-03-02T10:00:11Z could not be read whole: the pages take";
    assert!(ran.stderr.contains(named), "{ran}");
    assert!(peak < MEMORY_BYTES, "{peak} bytes");
    assert_eq!(count(folder.path(), "true"), "n\n21\n");
}

#[test]
fn a_record_nested_too_deep_costs_its_second_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let starts = ["2026-03-02 10:00:00", "2026-03-02 10:00:05"];
    let mut deep = record("deep", starts[0]);
    deep["metaInfo"] =
        (0..200).fold(json!(1), |inner, depth| if depth % 2 == 0 { json!([inner]) } else { json!({"a": inner}) });
    let server = serving(vec![(starts[0], deep), (starts[1], record("flat", starts[1]))]);
    let (ran, peak) = run(load(&folder, &server.url(), ""));
    assert_eq!(ran.code, 5, "{ran}");
    assert!(ran.stderr.contains("2026-03-02T10:00:00Z"), "{ran}");
    assert!(peak < MEMORY_BYTES, "{peak} bytes");
    assert_eq!(count(folder.path(), "session_id = 'flat'"), "n\n1\n");
}

/// A page of 500 MB, as a stream that ends when nobody reads on.
fn endless_page(stream: &mut TcpStream, status: &str) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {HOSTILE_BYTES}\r\n\r\n{{\"data\":[\"")?;
    let chunk = vec![b'x'; 1 << 16];
    (0..HOSTILE_BYTES / chunk.len()).try_for_each(|_| stream.write_all(&chunk))
}

/// The same, packed into about a megabyte: a head of gzip, and blocks that each stand alone.
fn packed_page() -> Vec<u8> {
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let megabyte = packed_block(&vec![b'x'; 1 << 20]);
    [head.to_vec(), packed_block(b"{\"data\":[\""), megabyte.repeat(HOSTILE_BYTES >> 20)].concat()
}

fn packed_block(bytes: &[u8]) -> Vec<u8> {
    let mut block = Vec::with_capacity(1 << 16);
    let mut deflate = flate2::Compress::new(flate2::Compression::default(), false);
    deflate.compress_vec(bytes, &mut block, flate2::FlushCompress::Full).unwrap();
    assert_eq!(deflate.total_in(), u64::try_from(bytes.len()).unwrap());
    block
}

#[track_caller]
fn ends_at_the_cap(server: &Raw, words: &str, more: &str) {
    let folder = tempfile::tempdir().unwrap();
    let (ran, peak) = run(load(&folder, &server.url(), more));
    assert_eq!(ran.code, 6, "{ran}");
    assert!(ran.stderr.contains(words), "{ran}");
    assert!(peak < MEMORY_BYTES, "{peak} bytes");
}

#[test]
fn answers_without_end_are_read_up_to_the_cap() {
    const AT_THE_CAP: &str = "expected at most 67108864 bytes, found more";
    ends_at_the_cap(&Raw::answering(|_, stream| endless_page(stream, "200 OK")), AT_THE_CAP, "");
    let packed = packed_page();
    assert!(packed.len() < 2 << 20);
    let bomb = Raw::answering(move |_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", packed.len())?;
        stream.write_all(&packed)
    });
    ends_at_the_cap(&bomb, AT_THE_CAP, "");
    ends_at_the_cap(&Raw::answering(|_, stream| endless_page(stream, "500 Oops")), "status 500", "--retry-deadline 1s");
    tell(
        "Hostile input",
        &[
            Figure::exact("ids refused as options", HOSTILE_IDS.len()),
            Figure::exact("bodies of 500 MB that ended at the cap: plain, packed, of an error", 3),
            Figure::exact("memory that none of them exceeded, MiB", usize::try_from(MEMORY_BYTES >> 20).unwrap()),
        ],
    );
}

#[test]
fn the_cap_is_a_setting() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::small());
    let ran = service.program(folder.path(), &format!("{} -q --max-page-bytes 2KiB", service.load_line())).run();
    assert_eq!(ran.code, 6, "{ran}");
    assert!(ran.stderr.contains("expected at most 2048 bytes, found more"), "{ran}");
}

#[cfg(unix)]
#[test]
fn saved_pages_staging_and_ledger_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let service = Service::start(|settings| settings.latency = Some(Duration::from_millis(50)));
    let folder = tempfile::tempdir().unwrap();
    let line = format!("{} -q --window 1h --save-pages pages", service.load_line());
    let running = service.program(folder.path(), &line).start();
    service.wait_for_requests(8);
    running.signal("TERM");
    assert_eq!(running.ended().code, 143);
    let lake = folder.path().join("lake");
    let (staging, ledger) = (lake.join("_kore_lake/staging"), lake.join("_kore_lake/ledger"));
    for area in [&folder.path().join("pages"), &staging, &ledger] {
        let found = Contents::of(area);
        assert!(!found.is_empty(), "{}", area.display());
        for path in found
            .files()
            .flat_map(|(path, _)| path.ancestors().take_while(|path| ![folder.path(), &lake].contains(path)))
        {
            let mode = fs::metadata(path).unwrap().permissions().mode() & 0o077;
            assert_eq!(mode, 0, "{} is open to others: {mode:o}", path.display());
        }
    }
}
