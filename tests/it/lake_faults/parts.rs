//! A day so large that it goes to the store in parts.

use std::fs;
use std::path::Path;

use kore_lake::error::Kind;
use kore_lake::lake::Lake;
use kore_lake::pipeline::{Finished, ReplayRequest, Stop, Unwatched, replay};
use kore_lake::source::BareDefaults;
use serde_json::json;

use crate::centre::{MEMORY_BYTES, run, whole};
use crate::contents::records_of;
use crate::dice::Dice;
use crate::faulty_store::{Deed, Faults, FaultyStore, Moment, Operation, Step};
use crate::scene::lake_at;

const ROWS: u32 = 50;
/// Text that nothing makes smaller: with this much a row the object is larger than one part.
const TEXT_BYTES: usize = 1 << 19;

fn fill(folder: &Path) {
    let mut dice = Dice::new(5);
    let mut text = || -> String { (0..TEXT_BYTES).map(|_| char::from(dice.pick(ALPHABET))).collect() };
    let record = |second: u32, text: String| json!({ "sessionId": format!("s-{second}"), "sessionStartTime": format!("2026-03-02T08:00:{second:02}Z"), "userId": text });
    let records: Vec<_> = (0..ROWS).map(|second| record(second, text())).collect();
    fs::write(folder.join("page.json"), json!({ "data": records }).to_string()).unwrap();
}

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";

async fn play(lake: &Lake, folder: &Path) -> Finished {
    let request = ReplayRequest {
        paths: vec![folder.join("page.json")],
        bare: BareDefaults { account_id: Some("a".parse().unwrap()), ..BareDefaults::default() },
        allow_downgrade: false,
        wait_lock: std::time::Duration::ZERO,
        memory_limit_bytes: MEMORY_BYTES,
        strict: false,
    };
    replay(lake, &request, &Unwatched, Stop::never()).await
}

fn is_of_parts(step: &Step) -> bool {
    matches!(step.operation, Operation::Begin | Operation::Part | Operation::Complete | Operation::Abort)
}

#[test]
fn a_put_in_parts_that_fails_anywhere_is_a_clear_error_and_right_the_next_time() {
    run(async {
        let pages = tempfile::tempdir().unwrap();
        fill(pages.path());
        let mut met = Vec::new();
        for (number, moment) in (0..5).flat_map(|number| [(number, Moment::Before), (number, Moment::After)]) {
            let folder = tempfile::tempdir().unwrap();
            let lake = lake_at(folder.path());
            let faults = Faults::matching(is_of_parts, number, moment, Deed::Fail);
            let faulty = lake.clone().with_store(FaultyStore::new(lake.store(), &faults));
            let finished = play(&faulty, pages.path()).await;
            let Some(step) = faults.met().pop() else { continue };
            let error = finished.error.unwrap();
            let line = error.line();
            assert!(error.kind() == Kind::Lake && line.contains("cannot write `conversations/account_id=a"), "{line}");
            met.push(step.operation);
            let again = whole(play(&lake, pages.path()).await);
            assert_eq!(records_of(&lake).await.len(), ROWS as usize, "{again:?}");
        }
        for operation in [Operation::Begin, Operation::Part, Operation::Complete] {
            assert!(met.iter().filter(|met| **met == operation).count() >= 2, "{operation:?}: {met:?}");
        }
    });
}
