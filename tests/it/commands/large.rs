//! Answers that are larger than the memory they may take.

#![cfg(target_os = "linux")]

use std::fs;
use std::process::Command;

use crate::loaded::{Loaded, refused};
use crate::program::{Program, Ran};
use crate::service::wait_until;

/// So many rows of a number and a text.
fn rows(thousands: u32) -> String {
    format!(
        "SELECT a.value * 1000 + b.value AS n, 'row' AS text FROM range(0, {thousands}) AS a CROSS JOIN range(0, 1000) AS b"
    )
}

/// Runs a program, and looks at its memory as it goes.
fn peak_of(program: Program) -> (Ran, u64) {
    let mut running = program.start();
    let mut peak = 0;
    while running.is_alive() {
        peak = running.peak_bytes().unwrap_or(0).max(peak);
        std::thread::sleep(std::time::Duration::from_millis(2)); // between two looks at the child
    }
    (running.ended(), peak)
}

#[track_caller]
fn ten_times_the_rows_take_no_more_memory(loaded: &Loaded, thousands: u32) {
    const MORE: u64 = 24 << 20;
    let peak = |thousands: u32| {
        let (ran, peak) = peak_of(loaded.program("query --format csv -o /dev/null -c").arg(rows(thousands)));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
        assert!(peak > 0, "the child was looked at");
        peak
    };
    let (few, many) = (peak(thousands / 10), peak(thousands));
    assert!(many < few + MORE, "{} thousand rows took {few} bytes, ten times as many {many}", thousands / 10);
}

#[test]
fn an_answer_of_two_million_rows_takes_no_more_memory_than_one_of_a_tenth() {
    ten_times_the_rows_take_no_more_memory(&Loaded::new(), 2_000);
}

#[test]
#[ignore = "minutes in an unoptimised build; the suite does it with two million rows"]
fn an_answer_of_ten_million_rows_takes_no_more_memory_than_one_of_a_tenth() {
    ten_times_the_rows_take_no_more_memory(&Loaded::new(), 10_000);
}

#[test]
fn a_sort_larger_than_the_memory_spills_to_the_folder_named_and_ends_right() {
    let loaded = Loaded::new();
    let spill = loaded.path().join("spill");
    fs::create_dir(&spill).unwrap();
    // The order is none that the rows come in; each has a text of 100 bytes, all together 60 MB.
    let sorted = "SELECT n, repeat('x', 100) || n AS text FROM (SELECT (value * 7919) % 600000 AS n FROM range(0, 600000)) \
                  ORDER BY text, n";
    let line = "query --memory-limit 32MiB --spill-dir spill --format csv -o sorted.csv -c";
    let mut running = loaded.program(line).arg(sorted).start();
    let spilled = || {
        fs::read_dir(&spill)
            .unwrap()
            .flatten()
            .any(|entry| fs::read_dir(entry.path()).is_ok_and(|mut files| files.next().is_some()))
    };
    wait_until("it spills", || spilled() || !running.is_alive());
    assert!(running.is_alive(), "it ended without: {}", running.ended());
    let ran = running.ended();
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    let text = fs::read_to_string(loaded.path().join("sorted.csv")).unwrap();
    let cells: Vec<_> = text.lines().skip(1).map(|line| line.split_once(',').unwrap().1).collect();
    assert_eq!(cells.len(), 600_000);
    assert!(cells.windows(2).all(|pair| pair[0] < pair[1]), "sorted, and each row once");
    assert_eq!(fs::read_dir(&spill).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn the_folder_to_spill_to_is_looked_at_first() {
    let loaded = Loaded::new();
    fs::write(loaded.path().join("file"), "").unwrap();
    let query =
        |folder: &str| refused(loaded.path(), loaded.program(&format!("query --spill-dir {folder} -c VALUES(1)")));
    insta::assert_snapshot!(query("nowhere"), @"
    exit 2
    --- stderr
    error: cannot write to the folder `nowhere`: No such file or directory (os error [n])
    ");
    insta::assert_snapshot!(query("file"), @"
    exit 2
    --- stderr
    error: cannot write to the folder `file`: not a directory
    ");
}

#[test]
fn what_cannot_spill_says_what_to_do() {
    let loaded = Loaded::new();
    let joined = "SELECT count(*) FROM range(0, 3000000) AS a JOIN range(0, 3000000) AS b ON a.value = b.value + 1";
    let ran = loaded.program("query --memory-limit 32MiB -c").arg(joined).run();
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("error: statement 1: out of memory: "), "{ran}");
    assert!(ran.stderr.contains("hint: give it more with --memory-limit"), "{ran}");
}

#[test]
fn a_device_is_written_to_and_stays_one() {
    let loaded = Loaded::new();
    let pipe = loaded.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    assert_eq!(loaded.program("query -o pipe --format csv -c VALUES(1)").run().output(), "");
    assert_eq!(reader.join().unwrap(), "column1\n1\n");
    assert!(!fs::metadata(&pipe).unwrap().is_file());
}

#[test]
fn a_query_that_is_stopped_leaves_no_half_of_a_file() {
    let loaded = Loaded::new();
    let part = loaded.path().join("out.csv.part");
    let running = loaded.program("query --format csv -o out.csv -c").arg(rows(1_000_000)).start();
    wait_until("rows are written", || fs::metadata(&part).is_ok_and(|file| file.len() > 0));
    running.signal("INT");
    let ran = running.ended();
    insta::assert_snapshot!(ran, @"
    exit 130
    --- stderr
    error: stopped by an interrupt
    ");
    assert!(!part.exists() && !loaded.path().join("out.csv").exists());
}

#[test]
fn a_statement_is_explained_or_run_and_measured() {
    let loaded = Loaded::new();
    let explain = |how: &str| {
        let sql = "CREATE VIEW some AS SELECT account_id FROM contacts; SELECT count(*) AS n FROM some";
        loaded.program(&format!("query {how} -c")).arg(sql).run().output()
    };
    let plan = explain("--explain");
    assert!(plan.starts_with("logical plan:\n  ") && plan.contains("\nphysical plan:\n  "), "{plan}");
    assert!(!plan.contains("output_rows"), "{plan}");
    assert_eq!(explain("--explain=plan"), plan);
    let analyzed = explain("--explain=analyze");
    assert!(analyzed.starts_with("Plan with Metrics:\n  ") && analyzed.contains("output_rows=1"), "{analyzed}");
}
