//! `load`, its summary, its settings, and how it is stopped.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::loaded::Loaded;
use crate::program::Program;
use crate::service::Service;

#[test]
fn a_range_is_loaded_and_loaded_again_nothing_changes() {
    let (folder, service) = (tempfile::tempdir().unwrap(), Service::small());
    let load = || service.program(folder.path(), &service.load_line()).run();
    insta::assert_snapshot!(load(), @"
    exit 0
    --- stdout
    load: complete in [s] s
      windows   3 read whole (short page 1, empty page 1, nothing at all 1), 0 unreadable
      requests  6, 3.00 times the 2 that the rows fill
      pages     6, [size] of JSON, 106 records
      rows      106 new, 0 changed, 0 unchanged, 0 superseded; 0 not returned and kept
      rejects   0, 0 of them new
      days      2 written ([size]), 0 unchanged
      up to     2026-03-04T00:00:00Z, final up to 2026-03-04T00:00:00Z
      memory    [size] at its peak
    ");
    insta::assert_snapshot!(load(), @"
    exit 0
    --- stdout
    load: complete in [s] s
      windows   1 read whole (short page 1), 0 unreadable
      requests  2, 1.00 times the 2 that the rows fill
      pages     2, [size] of JSON, 106 records
      rows      0 new, 0 changed, 106 unchanged, 0 superseded; 0 not returned and kept
      rejects   0, 0 of them new
      days      0 written ([size]), 2 unchanged
      up to     2026-03-04T00:00:00Z, final up to 2026-03-04T00:00:00Z
      memory    [size] at its peak
    ");
}

#[test]
fn quiet_prints_nothing() {
    let loaded = Loaded::new();
    assert_eq!(loaded.load("-q").run().output(), "");
}

#[test]
fn the_summary_is_json_on_stdout_and_in_a_file() {
    let loaded = Loaded::new();
    let printed: Value = serde_json::from_str(&loaded.load("--output json --summary s.json").run().output()).unwrap();
    let written: Value = serde_json::from_str(&fs::read_to_string(loaded.path().join("s.json")).unwrap()).unwrap();
    assert_eq!(printed, written);
    let names: Vec<_> = written.as_object().unwrap().keys().cloned().collect();
    insta::assert_snapshot!(names.join(" "), @"accounts command days elapsed_seconds error evidence final_up_to ideal_requests lake outcome page_bytes pages peak_memory_bytes provisional_up_to range ranges reading_seconds records rejects request_ratio requests resumed rows run_id server started_at stopped_by summary_version totals_disagree unreadable unreadable_files windows windows_cut written_bytes");
    let at = |path: &str| written.pointer(path).unwrap_or(&Value::Null).clone();
    assert_eq!(at("/summary_version"), 1);
    assert_eq!(at("/command"), "load");
    assert_eq!(at("/outcome"), "complete");
    assert_eq!(at("/error"), Value::Null);
    assert_eq!(at("/accounts"), serde_json::json!([loaded.account_id()]));
    assert_eq!(at("/range"), serde_json::json!({"from": "2026-03-02T00:00:00Z", "to": "2026-03-04T00:00:00Z"}));
    let rows = loaded.service.running().generator().rows();
    assert_eq!(at("/rows/unchanged"), rows);
    assert_eq!(at("/windows"), 1);
    assert_eq!(at("/days"), serde_json::json!({"written": 0, "unchanged": 2}));
}

#[test]
fn the_summary_of_a_run_that_failed_says_why() {
    let loaded = Loaded::new();
    let ran = loaded.load("-q --summary s.json").env("KORE_LAKE_TOKEN", "not.a.token").run();
    let written: Value = serde_json::from_str(&fs::read_to_string(loaded.path().join("s.json")).unwrap()).unwrap();
    assert_eq!((ran.code, written["outcome"].as_str()), (3, Some("failed")));
    let error = format!("error: {}\n", written["error"].as_str().unwrap());
    assert!(ran.stderr.starts_with(&error), "{ran}");
}

#[test]
fn a_flag_counts_before_a_variable_before_the_file() {
    let service = Service::small();
    let folder = tempfile::tempdir().unwrap();
    let settings = service.running().simulator().settings();
    fs::write(folder.path().join("secret.txt"), format!("{}\n", settings.client_secret)).unwrap();
    let file = format!(
        "lake = \"of_the_file\"\nhost = \"{}\"\naccount_id = \"of-the-file\"\nstream_id = \"of-the-file\"\nrate = 0\n\
         client_id = \"{}\"\nclient_secret = {{ file = \"secret.txt\" }}\n",
        service.running().base_url(),
        settings.client_id
    );
    fs::write(folder.path().join("kore-lake.toml"), file).unwrap();
    let line = format!("load -q --from 2026-03-02 --to 2026-03-03 --stream-id {}", settings.data.stream_ids[0]);
    let program = Program::new(folder.path(), &line)
        .env("KORE_LAKE_CONFIG", "kore-lake.toml")
        .env("KORE_LAKE_ACCOUNT_ID", &settings.data.account_id)
        .env("KORE_LAKE_STREAM_ID", "of-the-environment")
        .env("KORE_LAKE_LAKE", "of_the_environment");
    assert_eq!(program.run().output(), "");
    assert!(folder.path().join("of_the_environment/conversations").is_dir());
    assert!(!folder.path().join("of_the_file").exists());
}

const BOTH_DAYS: &str = "--from 2026-03-02 --to 2026-03-04";

/// A signal ends a load under way cleanly, and the next run, of whatever range, goes on with it.
#[track_caller]
fn stopped_by(signal: &str, next: &str) -> crate::program::Ran {
    let slow = Service::start(|settings| settings.latency = Some(Duration::from_millis(200)));
    let folder = tempfile::tempdir().unwrap();
    // Many windows, one after the other: some seconds of work.
    let line = format!("{} --window 1h -q", slow.load_line());
    let running = slow.program(folder.path(), &line).start();
    slow.wait_for_requests(3);
    running.signal(signal);
    let (sent, ended) = (Instant::now(), running.ended());
    assert!(sent.elapsed() < Duration::from_secs(5), "{:?}", sent.elapsed());

    assert_eq!(slow.program(folder.path(), &slow.load_line_of(next)).arg("-q").run().output(), "");
    let count = Program::new(folder.path(), "query --format csv -c").arg("SELECT count(*) AS rows FROM conversations");
    assert_eq!(count.run().output(), format!("rows\n{}\n", slow.running().generator().rows()));
    ended
}

#[test]
fn an_interrupt_ends_a_load_cleanly() {
    insta::assert_snapshot!(stopped_by("INT", BOTH_DAYS), @"
    exit 130
    --- stderr
    error: stopped by an interrupt; what was read whole is kept, run again to go on
    ");
}

#[test]
fn a_termination_ends_a_load_cleanly_and_a_load_of_another_range_finishes_it() {
    insta::assert_snapshot!(stopped_by("TERM", "--from 2026-03-04 --to 2026-03-05"), @"
    exit 143
    --- stderr
    error: stopped by a termination signal; what was read whole is kept, run again to go on
    ");
}
