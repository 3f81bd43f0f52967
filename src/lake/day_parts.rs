use std::io::{Read, Result, Seek, SeekFrom, Write};
use std::path::Path;

use super::day::{DayKeys, DayRow};
use super::day_fates::DayFates;
use super::fate::Fate;
use super::key::{KeyHash, Rank};

/// Memory that a staged key takes while its day is decided: its entry, its session, its stored row, and what a table that
/// has just grown leaves empty.
const KEY_BYTES: usize = 192;

/// Of the memory, one part in so many is for keys.
const KEYS_ONE_IN: usize = 16;

/// Parts at most: each has a block of rows in memory until that is full.
const MOST_PARTS: usize = 256;

/// Bytes of a row as it is spilled.
const ROW_BYTES: usize = 57;

/// Rows that are spilled at a time.
const BLOCK_ROWS: usize = 256;

/// In how many parts a day with so many staged rows is decided.
pub(super) fn parts_of(staged_rows: u64, memory_bytes: usize) -> usize {
    let rows = usize::try_from(staged_rows).unwrap_or(usize::MAX);
    let part_rows = (memory_bytes / KEYS_ONE_IN / KEY_BYTES).max(1);
    rows.div_ceil(part_rows).clamp(1, MOST_PARTS)
}

/// A day of more keys than fit the memory, cut in parts: no session is in two, and nothing that is decided of a row rests
/// on one of another session. Its rows lie in a file that no folder lists.
///
/// The rows of one session are as many as they are: a session of millions of conversations is one part.
pub(super) struct DayParts {
    staged: Vec<Spilled>,
    stored: Vec<Spilled>,
    file: std::fs::File,
    file_bytes: u64,
}

/// Rows of one part, in the order in which they came.
#[derive(Default)]
struct Spilled {
    /// Where the blocks that are full begin in the file.
    blocks: Vec<u64>,
    /// The last one.
    rest: Vec<u8>,
}

impl DayParts {
    /// Spills to `folder`; to the system's one where none is given.
    pub(super) fn new(parts: usize, folder: Option<&Path>) -> Result<Self> {
        let file = folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in)?;
        let spilled = || (0..parts).map(|_| Spilled::default()).collect();
        Ok(Self { staged: spilled(), stored: spilled(), file, file_bytes: 0 })
    }

    /// Takes a staged row.
    pub(super) fn add_staged(&mut self, row: &DayRow) -> Result<()> {
        let part = part_of(row.session, self.staged.len());
        self.file_bytes += self.staged[part].add(row, &mut self.file, self.file_bytes)?;
        Ok(())
    }

    /// Takes a stored row.
    pub(super) fn add_stored(&mut self, row: &DayRow) -> Result<()> {
        let part = part_of(row.session, self.stored.len());
        self.file_bytes += self.stored[part].add(row, &mut self.file, self.file_bytes)?;
        Ok(())
    }

    /// Decides part by part, once all rows were taken.
    pub(super) fn decide(mut self) -> Result<DayFates> {
        let mut fates = DayFates::default();
        for (staged, stored) in self.staged.iter().zip(&self.stored) {
            let mut keys = DayKeys::default();
            staged.each(&mut self.file, |row| keys.fold_staged(row))?;
            keys.supersede_staged();
            stored.each(&mut self.file, |row| keys.fold_stored(row, &mut fates))?;
            keys.decide(&mut fates);
        }
        Ok(fates)
    }
}

impl Spilled {
    /// Returns how much longer the file is now.
    fn add(&mut self, row: &DayRow, file: &mut std::fs::File, file_bytes: u64) -> Result<u64> {
        self.rest.extend(encode(row));
        if self.rest.len() < BLOCK_ROWS * ROW_BYTES {
            return Ok(0);
        }
        file.write_all(&self.rest)?;
        self.blocks.push(file_bytes);
        let bytes = self.rest.len();
        self.rest.clear();
        Ok(u64::try_from(bytes).expect("a block is small"))
    }

    fn each(&self, file: &mut std::fs::File, mut visit: impl FnMut(&DayRow)) -> Result<()> {
        let mut block = vec![0; BLOCK_ROWS * ROW_BYTES];
        for begin in &self.blocks {
            file.seek(SeekFrom::Start(*begin))?;
            file.read_exact(&mut block)?;
            rows(&block).for_each(|row| visit(&row));
        }
        rows(&self.rest).for_each(|row| visit(&row));
        Ok(())
    }
}

/// The part of a session. Its hash is as good in these bits as in any.
fn part_of(session: KeyHash, parts: usize) -> usize {
    let parts = u128::try_from(parts).expect("a few parts");
    usize::try_from(session % parts).expect("less than the parts")
}

fn rows(bytes: &[u8]) -> impl Iterator<Item = DayRow> + '_ {
    bytes.as_chunks().0.iter().map(decode)
}

fn encode(row: &DayRow) -> [u8; ROW_BYTES] {
    let mut bytes = [0; ROW_BYTES];
    bytes[..16].copy_from_slice(&row.key.to_le_bytes());
    bytes[16..32].copy_from_slice(&row.session.to_le_bytes());
    bytes[32..40].copy_from_slice(&row.rank.time.to_le_bytes());
    bytes[40..48].copy_from_slice(&row.rank.content_hash.to_le_bytes());
    bytes[48..56].copy_from_slice(&row.ordinal.to_le_bytes());
    let flags = [row.rank.closed, row.has_id_time, row.was_asked_for];
    let flags = flags.iter().rev().fold(0, |bits, flag| (bits << 1) | u8::from(*flag));
    let fate = SETTLED.iter().position(|settled| *settled == row.settled).expect("every fate is listed");
    bytes[56] = flags | (u8::try_from(fate).expect("a few fates") << 3);
    bytes
}

fn decode(bytes: &[u8; ROW_BYTES]) -> DayRow {
    let flag = |bit: u8| bytes[56] & (1 << bit) != 0;
    DayRow {
        key: u128::from_le_bytes(array(&bytes[..16])),
        session: u128::from_le_bytes(array(&bytes[16..32])),
        rank: Rank {
            time: i64::from_le_bytes(array(&bytes[32..40])),
            closed: flag(0),
            content_hash: i64::from_le_bytes(array(&bytes[40..48])),
        },
        ordinal: u64::from_le_bytes(array(&bytes[48..56])),
        has_id_time: flag(1),
        was_asked_for: flag(2),
        settled: SETTLED[usize::from(bytes[56] >> 3)],
    }
}

/// What may be settled of a row, by number.
const SETTLED: [Option<Fate>; 5] =
    [None, Some(Fate::New), Some(Fate::Changed), Some(Fate::Unchanged), Some(Fate::Superseded)];

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("a field of its length")
}
