//! The corpus of the fuzz targets, replayed: what fuzzing found once stays found. `just fuzz` goes on from there.

use std::fs;
use std::path::Path;

use crate::reliability::{Figure, tell};

#[path = "../../fuzz/laws.rs"]
mod laws;

/// Files below which a corpus has been lost.
const FEWEST: usize = 6;

fn replay(target: &str, law: fn(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= FEWEST, "{target}: {} files", files.len());
    for file in &files {
        let bytes = fs::read(file).unwrap();
        let held = std::panic::catch_unwind(|| law(&bytes));
        assert!(held.is_ok(), "`{}` breaks the law of `{target}`", file.display());
    }
    files.len()
}

#[test]
fn every_input_of_the_corpus_keeps_the_laws() {
    let figures = [
        Figure::exact("pages of the corpus decoded and written back", replay("decode", laws::decode)),
        Figure::exact("times and ids of the corpus", replay("time", laws::time)),
        Figure::exact("files of the corpus read and saved again", replay("saved", laws::saved)),
        Figure::never("laws broken"),
    ];
    tell("Fuzzing", &figures);
}
